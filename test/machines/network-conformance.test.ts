import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster } from "../support/agent.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";

/** HTTP on 8080 and UDP on 8081, which tell who answers and who asked: what the conformance suite's netexec does. */
const program = `
import http.server, os, socket, sys, threading
name = os.environ.get("NAME") or socket.gethostname()
def say(what, client): return {"hostname": name, "clientip": client}.get(what, what)
class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = say(self.path.strip("/"), self.client_address[0].replace("::ffff:", "")).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *args): pass
def udp(s):
    while True:
        text, client = s.recvfrom(2048); s.sendto(say(text.decode().strip(), client[0]).encode(), client)
ports = [int(p) for p in (sys.argv[1:] or ["8080", "8081"])]
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); datagrams.bind(("0.0.0.0", ports[1]))
threading.Thread(target=udp, args=(datagrams,), daemon=True).start()
http.server.ThreadingHTTPServer(("", ports[0]), Web).serve_forever()
`;
/** \`get URL [COUNT]\`, \`udp HOST PORT TEXT [COUNT]\`; \`dns TYPE NAME [tcp]\` prints the records of the answer itself. */
const asker = `
import socket, struct, sys
def udp(host, port, text, count="1"):
    for _ in range(int(count)):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); s.connect((host, int(port))); s.send(text.encode())
        print(s.recv(2048).decode())
def get(url, count="1"):
    import urllib.request
    for _ in range(int(count)): print(urllib.request.urlopen(url, timeout=30).read().decode())
def dns(sort, name, transport="udp"):
    number = {"A": 1, "CNAME": 5, "PTR": 12, "AAAA": 28, "SRV": 33}[sort]
    server = [l.split()[1] for l in open("/etc/resolv.conf") if l.startswith("nameserver")][0]
    q = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(l)]) + l.encode() for l in name.strip(".").split(".")) + b"\\0" + struct.pack(">HH", number, 1)
    if transport == "udp":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(30); s.sendto(q, (server, 53)); m = s.recv(65535)
    else:
        s = socket.create_connection((server, 53), 30); s.sendall(struct.pack(">H", len(q)) + q); f = s.makefile("rb"); m = f.read(struct.unpack(">H", f.read(2))[0])
    flags, answers = struct.unpack(">H", m[2:4])[0], struct.unpack(">H", m[6:8])[0]
    def read(at):
        labels = []
        while m[at]:
            if m[at] >= 192: rest, _ = read(struct.unpack(">H", m[at:at+2])[0] & 0x3fff); return ".".join(labels + [rest]), at + 2
            labels.append(m[at+1:at+1+m[at]].decode()); at += 1 + m[at]
        return ".".join(labels), at + 1
    at = read(12)[1] + 4
    print("truncated" if flags & 0x200 else "whole", "rcode", flags & 15)
    for _ in range(answers):
        at = read(at)[1]; kind, _, _, size = struct.unpack(">HHIH", m[at:at+10]); at += 10
        print({1: lambda: "A " + socket.inet_ntoa(m[at:at+4]), 5: lambda: "CNAME " + read(at)[0], 12: lambda: "PTR " + read(at)[0], 33: lambda: "SRV %d %s" % (struct.unpack(">H", m[at+4:at+6])[0], read(at+6)[0])}.get(kind, lambda: str(kind))()); at += size
{"get": get, "udp": udp, "dns": dns}[sys.argv[1]](*sys.argv[2:])
`;

const script = (text: string, ...args: string[]) => JSON.stringify(["python3", "-u", "-c", text, ...args]);
const web = (args: string[] = []) => `{name: c, image: "flask-app:1", command: ${script(program, ...args)}}`;
const ready = "readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1, timeoutSeconds: 30}";
const pod = (name: string, more: string, labels = "{}") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: ${labels}}
spec: {terminationGracePeriodSeconds: 0, ${more}}
`;
const nodes = ["one", "two"] as const;
const machines = {} as Record<string, Machine>;
let net: Lan;
let cluster: Cluster;
let agent: Agent;
const kubectl = (...args: string[]) => cluster.kubectl.must(args);
const json = (...args: string[]) => cluster.kubectl.json(args);
const apply = (...manifests: string[]) => cluster.kubectl.apply(manifests.join("\n---\n"));
/** Runs a command in a pod. */
const inPod = async (name: string, ...command: string[]) => (await kubectl("exec", name, "--", ...command)).trim();
const http = (from: string, url: string, count = 1) => inPod(from, "python3", "-c", asker, "get", url, String(count));
const udp = (from: string, host: string, port: number, text: string, count = 1) =>
  inPod(from, "python3", "-c", asker, "udp", host, String(port), text, String(count));
const dns = async (from: string, type: string, name: string, ...more: string[]) =>
  (await inPod(from, "python3", "-c", asker, "dns", type, name, ...more)).split("\n");
const fromNode = async (node: string, url: string) =>
  (await machines[node]!.must("curl", ["-sS", "-m", "30", url])).trim();
const spec = async (service: string) => (await json("get", "service", service)).spec;
const podIp = async (name: string): Promise<string> => (await json("get", "pod", name)).status.podIP;
const port = (number: number, more = "") => `{port: ${number}, targetPort: 8080${more}}`;
const addressOf = (node: string) => machines[node]!.address;

/** Asks until all of them have answered, and nobody else. */
const answeredBy = (all: readonly string[], ask: (count: number) => Promise<string>) =>
  eventually(async () => {
    const heard = new Set((await ask(12 * all.length)).split("\n"));
    expect([...heard].sort()).toEqual([...all].sort());
  });
const refused = (ask: () => Promise<string>) =>
  eventually(async () => {
    await expect(ask()).rejects.toThrow(/refused|exit code (1|7)\b/i);
  });

beforeAll(async () => {
  net = await lan();
  for (const name of nodes) {
    machines[name] = await net.machine(name);
    await loadImages(machines[name], ["flask-app:1"]);
  }
  cluster = await startCluster(machines.one!);
  agent = await joinCluster(machines.two!, cluster);
  const serving = nodes.flatMap((node) => [
    pod(
      `web-${node}`,
      `nodeName: ${node}, containers: [{name: c, image: "flask-app:1", command: ${script(program)}, ${ready}}]`,
      `{app: web, on: ${node}}`,
    ),
    pod(
      `client-${node}`,
      `nodeName: ${node}, containers: [{name: c, image: "flask-app:1", command: [sleep, "86400"]}]`,
    ),
    pod(
      `host-${node}`,
      `nodeName: ${node}, hostNetwork: true, containers: [{name: c, image: "flask-app:1", command: [sleep, "86400"]}]`,
    ),
  ]);
  await apply(...serving);
  await kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=150s");
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await net?.[Symbol.asyncDispose]();
});

describe("pods", () => {
  test("reach each other by HTTP and UDP from pods and from nodes, with their own addresses", async () => {
    for (const from of nodes) {
      for (const to of nodes) {
        const ip = await podIp(`web-${to}`);
        const own = await podIp(`client-${from}`);
        // That the pods are Ready says their nodes; the others have to have heard of it.
        await eventually(async () =>
          expect(await http(`client-${from}`, `http://${ip}:8080/hostname`)).toBe(`web-${to}`),
        );
        expect(await http(`client-${from}`, `http://${ip}:8080/clientip`)).toBe(own);
        expect(await http(`host-${from}`, `http://${ip}:8080/hostname`)).toBe(`web-${to}`);
        // Datagrams may be lost.
        await eventually(async () => expect(await udp(`client-${from}`, ip, 8081, "clientip")).toBe(own));
        await eventually(async () => expect(await udp(`host-${from}`, ip, 8081, "hostname")).toBe(`web-${to}`));
      }
    }
  });

  test("know themselves and the cluster's names by /etc/hosts and DNS", async () => {
    await apply(
      pod(
        "hosts",
        `hostAliases: [{ip: 192.0.2.9, hostnames: [alias.example]}], containers: [{name: c, image: "flask-app:1", command: [sleep, "86400"]}]`,
      ),
    );
    await kubectl("wait", "--for=condition=Ready", "pod/hosts", "--timeout=150s");
    const hosts = await inPod("hosts", "cat", "/etc/hosts");
    expect(hosts).toMatch(new RegExp(`^${await podIp("hosts")}\\s+hosts$`, "m"));
    expect(hosts).toMatch(/^192\.0\.2\.9\s+alias\.example$/m);
    await eventually(async () => {
      expect(
        await inPod("hosts", "python3", "-c", "import socket; print(socket.gethostbyname('kubernetes.default'))"),
      ).toBe("10.43.0.1");
      expect(await dns("hosts", "A", "kubernetes.default.svc.cluster.local")).toContain("A 10.43.0.1");
      expect(await dns("hosts", "SRV", "_https._tcp.kubernetes.default.svc.cluster.local")).toContain(
        "SRV 443 kubernetes.default.svc.cluster.local",
      );
    });
  });

  test("get the resolver that they ask for", async () => {
    const nobody = `containers: [{name: c, image: "flask-app:1", command: [sleep, "86400"]}]`;
    await apply(
      pod(
        "dns-none",
        `dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.1], searches: [resolv.conf.local], options: [{name: ndots, value: "2"}, {name: edns0}]}, ${nobody}`,
      ),
      pod("dns-first", `dnsConfig: {searches: [more.example], options: [{name: ndots, value: "3"}]}, ${nobody}`),
      pod("dns-default", `dnsPolicy: Default, ${nobody}`),
      pod("dns-host", `hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet, ${nobody}`),
    );
    await kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=150s");
    const lines = async (name: string) => (await inPod(name, "cat", "/etc/resolv.conf")).split("\n");
    expect(await lines("dns-none")).toEqual([
      "search resolv.conf.local",
      "nameserver 192.0.2.1",
      "options ndots:2 edns0",
    ]);
    const first = await lines("dns-first");
    expect(first[0]).toMatch(
      /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local .*more\.example$/,
    );
    expect(first.slice(1)).toEqual(["nameserver 10.43.0.10", "options ndots:3"]);
    expect((await lines("dns-default")).join()).not.toContain("10.43.0.10");
    expect((await lines("dns-host")).join()).toContain("10.43.0.10");
    await kubectl("delete", "pod", "dns-none", "dns-first", "dns-default", "dns-host", "hosts");
  });

  test("share a host port where address or protocol differ", async () => {
    const at = (hostIP: string, protocol: string) =>
      `nodeName: two, containers: [{name: c, image: "flask-app:1", command: ${script(program)}, ${ready}, ports: [{containerPort: ${protocol === "UDP" ? 8081 : 8080}, hostPort: 54323, hostIP: ${hostIP}, protocol: ${protocol}}]}]`;
    await apply(
      pod("hostport-1", at("127.0.0.1", "TCP")),
      pod("hostport-2", at(addressOf("two"), "TCP")),
      pod("hostport-3", at(addressOf("two"), "UDP")),
    );
    await kubectl(
      "wait",
      "--for=condition=Ready",
      "pod/hostport-1",
      "pod/hostport-2",
      "pod/hostport-3",
      "--timeout=150s",
    );
    const leadsTo = (pod: string, ask: () => Promise<string>) => eventually(async () => expect(await ask()).toBe(pod));
    await leadsTo("hostport-1", () => fromNode("two", "http://127.0.0.1:54323/hostname"));
    for (const from of nodes) {
      await leadsTo("hostport-2", () => fromNode(from, `http://${addressOf("two")}:54323/hostname`));
      await leadsTo("hostport-2", () => http(`client-${from}`, `http://${addressOf("two")}:54323/hostname`));
      await leadsTo("hostport-3", () => udp(`host-${from}`, addressOf("two"), 54323, "hostname"));
    }
    await kubectl("delete", "pod", "hostport-1", "hostport-2", "hostport-3");
    await refused(() => fromNode("one", `http://${addressOf("two")}:54323/hostname`));
  });
});

describe("Services", () => {
  const everywhere = ["client-one", "client-two", "host-one", "host-two"];
  const service = (name: string, spec: string, selector = "{app: web}") =>
    `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {selector: ${selector}, ${spec}}}`;
  const both = ["web-one", "web-two"];

  test("of type NodePort answer by name, address and node port, from pods and nodes", async () => {
    await apply(service("np", `type: NodePort, ports: [${port(80)}]`));
    const { clusterIP, ports } = await spec("np");
    await answeredBy(both, (n) => http("client-one", "http://np/hostname", n));
    for (const from of everywhere) await answeredBy(both, (n) => http(from, `http://${clusterIP}/hostname`, n));
    for (const from of everywhere)
      for (const to of nodes)
        await answeredBy(both, (n) => http(from, `http://${addressOf(to)}:${ports[0].nodePort}/hostname`, n));
  });

  test("with the policy Cluster show a node's address inside the pod network, not one that answers could pass by", async () => {
    const { nodePort } = (await spec("np")).ports[0];
    const seen = async (from: string, to: string) => fromNode(from, `http://${addressOf(to)}:${nodePort}/clientip`);
    for (let n = 0; n < 8; n++) expect(await seen("one", "two")).toMatch(/^10\.42\.\d\.1$|^172\.31\./);
    const { clusterIP } = await spec("np");
    for (let n = 0; n < 8; n++) expect(await fromNode("one", `http://${clusterIP}/clientip`)).toMatch(/^10\.42\.0\.1$/);
    for (const node of nodes) {
      const seen = await http(`client-${node}`, `http://${clusterIP}/clientip`, 12);
      expect(new Set(seen.split("\n"))).toEqual(new Set([await podIp(`client-${node}`)]));
    }
  });

  test("keep a client with one pod while sessionAffinity is ClientIP, and only then", async () => {
    await apply(service("sticky", `type: NodePort, sessionAffinity: ClientIP, ports: [${port(80)}]`));
    const { clusterIP, ports } = await spec("sticky");
    const urls = [`http://${clusterIP}/hostname`, `http://${addressOf("two")}:${ports[0].nodePort}/hostname`];
    for (const url of urls) {
      const stays = async () => {
        expect(new Set((await http("client-one", url, 15)).split("\n")).size).toBe(1);
      };
      await eventually(stays);
      await kubectl("patch", "service", "sticky", "-p", '{"spec":{"sessionAffinity":"None"}}');
      await answeredBy(both, (n) => http("client-one", url, n));
      await kubectl("patch", "service", "sticky", "-p", '{"spec":{"sessionAffinity":"ClientIP"}}');
      await eventually(stays);
    }
  });

  test("serve the same port by TCP and UDP, and stop with the one that is taken away", async () => {
    const tcp = "{name: tcp, port: 80, targetPort: 8080, protocol: TCP}";
    const datagrams = "{name: udp, port: 80, targetPort: 8081, protocol: UDP}";
    await apply(service("multi", `ports: [${tcp}, ${datagrams}]`));
    const { clusterIP } = await spec("multi");
    await answeredBy(both, (n) => http("client-one", `http://${clusterIP}/hostname`, n));
    await answeredBy(both, (n) => udp("client-one", clusterIP, 80, "hostname", n));
    await kubectl("patch", "service", "multi", "--type=json", "-p", '[{"op":"remove","path":"/spec/ports/1"}]');
    await refused(() => udp("client-one", clusterIP, 80, "hostname"));
    await answeredBy(both, (n) => http("client-one", `http://${clusterIP}/hostname`, n));
    await kubectl(
      "patch",
      "service",
      "multi",
      "--type=merge",
      "-p",
      `{"spec":{"ports":[{"name":"udp","port":80,"targetPort":8081,"protocol":"UDP"}]}}`,
    );
    await answeredBy(both, (n) => udp("client-two", clusterIP, 80, "hostname", n));
    await refused(() => http("client-one", `http://${clusterIP}/hostname`));
  });

  test("change their type, and with it what their name and addresses are", async () => {
    const alias = async () => (await dns("client-two", "CNAME", "changing.default.svc.cluster.local")).slice(1);
    await apply(
      `{apiVersion: v1, kind: Service, metadata: {name: changing}, spec: {type: ExternalName, externalName: foo.example.com}}`,
    );
    await eventually(async () => expect(await alias()).toEqual(["CNAME foo.example.com"]));
    await kubectl("patch", "service", "changing", "--type=merge", "-p", '{"spec":{"externalName":"bar.example.com"}}');
    await eventually(async () => expect(await alias()).toEqual(["CNAME bar.example.com"]));
    const selected = '"selector":{"app":"web"},"ports":[{"port":80,"targetPort":8080}]';
    await kubectl(
      "patch",
      "service",
      "changing",
      "--type=merge",
      "-p",
      `{"spec":{"type":"ClusterIP","externalName":"",${selected}}}`,
    );
    const { clusterIP } = await spec("changing");
    await eventually(async () =>
      expect((await dns("client-two", "A", "changing.default.svc.cluster.local")).slice(1)).toEqual([`A ${clusterIP}`]),
    );
    await answeredBy(both, (n) => http("client-two", "http://changing/hostname", n));
    await kubectl("patch", "service", "changing", "--type=merge", "-p", '{"spec":{"type":"NodePort"}}');
    const { nodePort } = (await spec("changing")).ports[0];
    for (const to of nodes)
      await answeredBy(both, (n) => http("client-two", `http://${addressOf(to)}:${nodePort}/hostname`, n));
    await kubectl(
      "patch",
      "service",
      "changing",
      "--type=merge",
      "-p",
      `{"spec":{"type":"ExternalName","externalName":"web.example.com","clusterIP":null,"clusterIPs":null}}`,
    );
    expect((await spec("changing")).clusterIP).toBeUndefined();
    await eventually(async () => expect(await alias()).toEqual(["CNAME web.example.com"]));
    await refused(() => fromNode("one", `http://${addressOf("two")}:${nodePort}/hostname`));
    await refused(() => fromNode("one", `http://${clusterIP}/hostname`));
  });

  test("without a selector lead where their EndpointSlices say: several addresses, several ports", async () => {
    const slice = (name: string, ip: string, ports: string) =>
      `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: ${name}, labels: {kubernetes.io/service-name: manual, endpointslice.kubernetes.io/managed-by: me}}, addressType: IPv4, ports: [${ports}], endpoints: [{addresses: ["${ip}"]}]}`;
    await apply(
      `{apiVersion: v1, kind: Service, metadata: {name: manual}, spec: {ports: [{name: a, port: 80}, {name: b, port: 81}]}}`,
      slice("manual-1", await podIp("web-one"), "{name: a, port: 8080}"),
      slice("manual-2", await podIp("web-two"), "{name: b, port: 8080}"),
    );
    await answeredBy(["web-one"], (n) => http("client-two", "http://manual/hostname", n));
    await answeredBy(["web-two"], (n) => http("client-one", "http://manual:81/hostname", n));
    await apply(slice("manual-2", await podIp("web-one"), "{name: b, port: 8080}"));
    await answeredBy(["web-one"], (n) => http("client-one", "http://manual:81/hostname", n));
  });

  test("with Endpoints of a user's making have mirrored slices, which follow and go with them", async () => {
    const endpoints = (ip: string) =>
      `{apiVersion: v1, kind: Endpoints, metadata: {name: mirrored}, subsets: [{addresses: [{ip: "${ip}"}], ports: [{port: 8080}]}]}`;
    await apply(`{apiVersion: v1, kind: Service, metadata: {name: mirrored}, spec: {ports: [{port: 80}]}}`);
    for (const web of both) {
      await apply(endpoints(await podIp(web)));
      await answeredBy([web], (n) => http("client-one", "http://mirrored/hostname", n));
    }
    await kubectl("delete", "endpoints", "mirrored");
    await refused(() => http("client-one", "http://mirrored/hostname"));
  });

  test("internalTrafficPolicy Local stays on the node", async () => {
    await apply(service("inside", `internalTrafficPolicy: Local, ports: [${port(80)}]`));
    const { clusterIP } = await spec("inside");
    for (const node of nodes)
      for (const from of [`client-${node}`, `host-${node}`])
        await answeredBy([`web-${node}`], (n) => http(from, `http://${clusterIP}/hostname`, n));
  });

  test("externalIPs and load balancers' addresses lead to their pods, from inside and outside", async () => {
    await apply(
      service("outer", `externalIPs: ["192.0.2.80"], ports: [${port(80)}]`),
      service("balanced", `type: LoadBalancer, ports: [${port(8099)}]`),
    );
    for (const from of everywhere) await answeredBy(both, (n) => http(from, "http://192.0.2.80/hostname", n));
    await kubectl("wait", "--for=jsonpath={.status.loadBalancer.ingress[0].ip}", "service/balanced", "--timeout=150s");
    for (const from of everywhere)
      for (const to of nodes) await answeredBy(both, (n) => http(from, `http://${addressOf(to)}:8099/hostname`, n));
    await kubectl(
      "patch",
      "service",
      "balanced",
      "-p",
      `{"spec":{"loadBalancerSourceRanges":["${addressOf("one")}/32"]}}`,
    );
    await eventually(async () =>
      expect(await fromNode("one", `http://${addressOf("two")}:8099/hostname`)).toMatch(/^web-/),
    );
    await eventually(async () => {
      const { code } = await machines.two!.run("curl", ["-sS", "-m", "2", `http://${addressOf("one")}:8099/hostname`]);
      expect(code).toBe(28);
    });
  });

  test("publishNotReadyAddresses and trafficDistribution", async () => {
    await apply(
      pod(
        "unready",
        `nodeName: two, hostname: early, subdomain: unready, containers: [{name: c, image: "flask-app:1", command: ${script(program)}, readinessProbe: {exec: {command: ["false"]}}}]`,
        "{app: unready}",
      ),
      service("unready", `clusterIP: None, publishNotReadyAddresses: true, ports: [${port(80)}]`, "{app: unready}"),
      service("never-ready", `ports: [${port(80)}]`, "{app: unready}"),
      service("near", `trafficDistribution: PreferSameNode, ports: [${port(80)}]`),
    );
    await kubectl("wait", "--for=jsonpath={.status.phase}=Running", "pod/unready", "--timeout=150s");
    const ip = await podIp("unready");
    for (const name of ["unready", "early.unready"])
      await eventually(async () =>
        expect(await dns("client-one", "A", `${name}.default.svc.cluster.local`)).toContain(`A ${ip}`),
      );
    await refused(() => http("client-one", "http://never-ready/hostname"));
    for (const node of nodes)
      await answeredBy([`web-${node}`], (n) => http(`client-${node}`, "http://near/hostname", n));
    await kubectl("delete", "pod", "unready");
  });

  test("of protocol SCTP are taken, as Kubernetes takes them", async () => {
    await apply(service("streams", "ports: [{port: 9999, protocol: SCTP}]"));
    const { clusterIP } = await spec("streams");
    const rules = () => machines.two!.must("nft", ["list", "table", "inet", "skiff"]);
    await eventually(async () => expect(await rules()).toContain(`${clusterIP} . sctp . 9999`));
  });
});

describe("names", () => {
  test("headless Services, host names and subdomains, from every node", async () => {
    const named = (name: string, node: string) =>
      pod(name, `nodeName: ${node}, hostname: ${name}, subdomain: sub, containers: [${web()}]`, "{app: sub}");
    await apply(
      `{apiVersion: v1, kind: Service, metadata: {name: sub}, spec: {clusterIP: None, selector: {app: sub}, ports: [{name: http, port: 8080}]}}`,
      ...nodes.map((node) => named(`host-name-${node}`, node)),
    );
    await kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=sub", "--timeout=150s");
    const ips = await Promise.all(nodes.map((node) => podIp(`host-name-${node}`)));
    for (const node of nodes) {
      const from = `client-${node}`;
      await eventually(async () => {
        expect((await dns(from, "A", "sub.default.svc.cluster.local")).slice(1).sort()).toEqual(
          ips.map((ip) => `A ${ip}`).sort(),
        );
        expect(await dns(from, "A", "host-name-two.sub.default.svc.cluster.local")).toContain(`A ${ips[1]}`);
        const srv = await dns(from, "SRV", "_http._tcp.sub.default.svc.cluster.local");
        expect(srv).toContain("SRV 8080 host-name-one.sub.default.svc.cluster.local");
        expect(await dns(from, "PTR", `${ips[1]!.split(".").reverse().join(".")}.in-addr.arpa`)).toContain(
          "PTR host-name-two.sub.default.svc.cluster.local",
        );
      });
    }
    expect(
      await inPod("host-name-one", "hostname", "-f").catch(() => inPod("host-name-one", "cat", "/etc/hosts")),
    ).toContain("host-name-one.sub.default.svc.cluster.local");
    await eventually(async () =>
      expect(await http("client-one", "http://host-name-two.sub:8080/hostname")).toBe("host-name-two"),
    );
  });

  test("reverse names of Services, and answers too long for UDP by TCP", async () => {
    const { clusterIP } = await spec("np");
    await eventually(async () =>
      expect(await dns("client-one", "PTR", `${clusterIP.split(".").reverse().join(".")}.in-addr.arpa`)).toContain(
        "PTR np.default.svc.cluster.local",
      ),
    );
    const many = Array.from({ length: 60 }, (_, n) => `{addresses: ["198.51.100.${n + 1}"]}`).join(",");
    await apply(
      `{apiVersion: v1, kind: Service, metadata: {name: wide}, spec: {clusterIP: None, ports: [{port: 80}]}}`,
      `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: wide, labels: {kubernetes.io/service-name: wide}}, addressType: IPv4, ports: [{port: 80}], endpoints: [${many}]}`,
    );
    await eventually(async () => {
      const [first] = await dns("client-two", "A", "wide.default.svc.cluster.local");
      expect(first).toBe("truncated rcode 0");
    });
    await eventually(async () =>
      expect(await dns("client-two", "A", "wide.default.svc.cluster.local", "tcp")).toHaveLength(61),
    );
  });
});
