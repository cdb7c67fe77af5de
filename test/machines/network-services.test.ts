import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as immediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Endpoint, Service } from "../../src/api/schema/types.ts";
import { Netns, NodeNetwork } from "../support/network-namespace.ts";

/** A node with three pods and a neighbour on its LAN; pods are namespaces in which busybox answers with the pod's name. */
const directory = mkdtempSync(join(tmpdir(), "skt-"));
writeFileSync(join(directory, "resolv.conf"), "nameserver 172.30.9.2\n");
const node = new Netns("node");
const neighbour = new Netns("lan");
const network = new NodeNetwork(node, {
  nodeName: "n1",
  clusterCidrs: ["10.42.0.0/16"],
  serviceCidrs: ["10.43.0.0/16"],
  clusterDns: ["10.43.0.10"],
  clusterDomain: "cluster.local",
  resolvConf: join(directory, "resolv.conf"),
  backend: "host-gw",
});
const pods = new Map<string, { netns: Netns; ip: string; pid: number }>();

beforeAll(async () => {
  node.run(`ip link add eth0 type veth peer name eth0 netns ${neighbour.name}`);
  node.run("ip addr add 172.30.9.1/24 dev eth0; ip link set eth0 up");
  neighbour.run("ip addr add 172.30.9.2/24 dev eth0; ip link set eth0 up");
  await network.put("nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1" },
    spec: { podCIDRs: ["10.42.0.0/24"] },
    status: { addresses: [{ type: "InternalIP", address: "172.30.9.1" }] },
  } as never);
  // A Docker that filters as it does unless told otherwise.
  node.run(
    "nft add table ip filter; nft 'add chain ip filter DOCKER-USER'; nft 'add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'; nft add rule ip filter FORWARD jump DOCKER-USER",
  );
  await network.open();
  for (const name of ["a", "b", "c"]) await addPod(name);
});

afterAll(() => {
  network[Symbol.dispose]();
  for (const { netns } of pods.values()) netns[Symbol.dispose]();
  neighbour[Symbol.dispose]();
  rmSync(directory, { recursive: true });
  node[Symbol.dispose]();
});

describe("pods", () => {
  test("reach each other, their node and, with the node's address, its neighbours", () => {
    expect(wget("a", `http://${ip("b")}:8080/`)).toBe("b");
    const files = join(directory, "node");
    node.run(`mkdir ${files} && echo node > ${files}/index.html`);
    node.start("busybox", ["httpd", "-f", "-p", "8081", "-h", files]);
    neighbour.start("busybox", [
      "nc",
      "-ll",
      "-p",
      "8082",
      "-e",
      "sh",
      "-c",
      "echo $REMOTE_ADDR; env | grep PEER; cat /proc/net/tcp",
    ]);
    return vi.waitFor(() => expect(wget("a", "http://172.30.9.1:8081/")).toBe("node"));
  });

  test("are reached by their node", () => {
    expect(node.run(httpGet(`http://${ip("a")}:8080/`)).trim()).toBe("a");
  });

  test("keep link and address when skiff is killed and starts again", async () => {
    const before = node.run("ip -br addr; ip route");
    await network.kill();
    expect(wget("a", `http://${ip("b")}:8080/`)).toBe("b");
    await network.open();
    const { pid } = pods.get("a")!;
    expect(await network.call("attach", { uid: "uid-a", namespace: "default", name: "a", pid })).toEqual({
      ips: [ip("a")],
    });
    await vi.waitFor(() => expect(node.run("ip -br addr; ip route")).toBe(before));
  });

  test("of which the node no longer knows lose their links", async () => {
    await addPod("gone");
    await network.call("keepOnly", ["uid-a", "uid-b", "uid-c"]);
    expect(node.run("ip route")).not.toContain(ip("gone"));
    expect(node.run("ip route")).toContain(ip("a"));
  });
});

describe("Services", () => {
  test("a cluster IP leads to all ready endpoints, from pods and from the node", async () => {
    await give("web", { clusterIP: "10.43.1.1", ports: [{ port: 80 }] }, ["a", "b"]);
    expect(await answers(() => wget("c", "http://10.43.1.1/"))).toEqual(["a", "b"]);
    expect(await answers(() => node.run(httpGet("http://10.43.1.1/")).trim())).toEqual(["a", "b"]);
  });

  test("a pod reaches itself through its Service", async () => {
    await give("self", { clusterIP: "10.43.1.2", ports: [{ port: 80 }] }, ["a"]);
    expect(wget("a", "http://10.43.1.2/")).toBe("a");
  });

  test("an endpoint that is no longer ready gets nothing new", async () => {
    await give("web", { clusterIP: "10.43.1.1", ports: [{ port: 80 }] }, ["a", { pod: "b", ready: false }]);
    expect(await answers(() => wget("c", "http://10.43.1.1/"))).toEqual(["a"]);
  });

  test("a Service without endpoints refuses at once, and so does an address that no Service has", async () => {
    await give("empty", { clusterIP: "10.43.1.3", ports: [{ port: 80 }] }, []);
    for (const address of ["10.43.1.3", "10.43.200.1"]) {
      expect(tryWget("c", `http://${address}/`).output).toMatch(/refused/);
      expect(node.try(httpGet(`http://${address}/`)).output).toMatch(/refused/);
    }
  });

  test("a node port answers on every address of the node, 127.0.0.1 included", async () => {
    await give("np", { type: "NodePort", clusterIP: "10.43.1.4", ports: [{ port: 80, nodePort: 30080 }] }, ["a", "b"]);
    expect(await answers(() => neighbour.run(httpGet("http://172.30.9.1:30080/")).trim())).toEqual(["a", "b"]);
    expect(await answers(() => node.run(httpGet("http://127.0.0.1:30080/")).trim())).toEqual(["a", "b"]);
    expect(await answers(() => wget("a", "http://172.30.9.1:30080/"))).toEqual(["a", "b"]);
  });

  test("neighbours cannot come in by 127.0.0.1", () => {
    neighbour.run("ip route add 127.0.0.2/32 via 172.30.9.1; sysctl -qw net.ipv4.conf.all.route_localnet=1");
    expect(neighbour.try(httpGet("http://127.0.0.2:30080/", 5)).status).not.toBe(0);
  });

  test("a load balancer's address leads to the Service; source ranges keep others out", async () => {
    const spec = { type: "LoadBalancer", clusterIP: "10.43.1.5", ports: [{ port: 8088 }] };
    await give("lb", spec, ["a"], { ip: "172.30.9.1" });
    expect(neighbour.run(httpGet("http://172.30.9.1:8088/")).trim()).toBe("a");
    await give("lb", { ...spec, loadBalancerSourceRanges: ["192.0.2.0/24"] }, ["a"], { ip: "172.30.9.1" });
    expect(neighbour.try(httpGet("http://172.30.9.1:8088/", 5)).status).not.toBe(0);
  });

  test("externalTrafficPolicy Local keeps the client's address and drops where no endpoint is", async () => {
    const spec = {
      type: "NodePort",
      clusterIP: "10.43.1.6",
      externalTrafficPolicy: "Local",
      ports: [{ port: 80, nodePort: 30081 }],
    };
    await give("local", spec, ["a"]);
    expect(neighbour.run(httpGet("http://172.30.9.1:30081/cgi-bin/client")).trim()).toContain("172.30.9.2");
    await give("local", spec, [{ pod: "a", nodeName: "n2" }]);
    expect(neighbour.try(httpGet("http://172.30.9.1:30081/", 5)).output).toMatch(/timed out/);
    expect(wget("b", "http://172.30.9.1:30081/")).toBe("a");
  });

  test("session affinity sends a client where it went before", async () => {
    const sticky = { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
    await give("sticky", { ...sticky, clusterIP: "10.43.1.7", ports: [{ port: 80 }] }, ["a", "b", "c"]);
    expect(await answers(() => wget("c", "http://10.43.1.7/"))).toHaveLength(1);
  });

  test("load balancers outside learn by the health check port whether the node has endpoints", async () => {
    const spec = {
      type: "LoadBalancer",
      clusterIP: "10.43.1.11",
      externalTrafficPolicy: "Local",
      healthCheckNodePort: 30999,
      ports: [{ port: 80 }],
    };
    const ask = () => node.run("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | busybox nc -w 2 172.30.9.1 30999");
    await give("healthy", spec, ["a"]);
    await vi.waitFor(() => expect(ask()).toMatch(/ 200 OK.*"localEndpoints":1/s));
    await give("healthy", spec, [{ pod: "a", nodeName: "n2" }]);
    await vi.waitFor(() => expect(ask()).toMatch(/ 503 .*"localEndpoints":0/s));
  });

  test("a pod's host port answers on the node's addresses", async () => {
    const containers = [{ ports: [{ containerPort: 8080, hostPort: 8090 }] }];
    const status = { phase: "Running", podIPs: [{ ip: ip("a") }] };
    const metadata = { namespace: "default", name: "a", uid: "uid-a" };
    await network.put("pods", { apiVersion: "v1", kind: "Pod", metadata, spec: { containers }, status } as never);
    await network.call("settled");
    expect(neighbour.run(httpGet("http://172.30.9.1:8090/")).trim()).toBe("a");
    expect(node.run(httpGet("http://127.0.0.1:8090/")).trim()).toBe("a");
    expect(wget("a", "http://172.30.9.1:8090/")).toBe("a");
  });

  test("rules come back when somebody removed the table", async () => {
    await give("web", { clusterIP: "10.43.1.1", ports: [{ port: 80 }] }, ["a"]);
    node.run("nft delete table inet skiff");
    await give("web", { clusterIP: "10.43.1.1", ports: [{ port: 80 }] }, ["b"]);
    expect(await answers(() => wget("c", "http://10.43.1.1/"))).toEqual(["b"]);
    expect(wget("a", "http://10.43.1.2/")).toBe("a");
  });

  test("what others take of links, settings and filters comes back", async () => {
    const works = () => vi.waitFor(() => expect(wget("a", `http://${ip("b")}:8080/`)).toBe("b"));
    const taken = [
      "sysctl -qw net.ipv4.ip_forward=0",
      "nft flush chain ip filter DOCKER-USER",
      "nft add table ip late; nft 'add chain ip late FORWARD { type filter hook forward priority 5; policy drop; }'",
      "ip route flush proto 143",
      "ip link set skiff0 down",
      "ip addr flush dev skiff0",
      "nft flush ruleset",
    ];
    for (const command of taken) {
      node.run(command);
      await works();
      await vi.waitFor(() => expect(wget("a", "http://10.43.1.2/")).toBe("a"));
    }
    const all = "ip -br addr show skiff0; ip route show; cat /proc/sys/net/ipv4/ip_forward";
    await vi.waitFor(() => expect(node.run(all)).toMatch(/10\.42\.0\.1\/32.*10\.43\.0\.0\/16.*\n1\n$/s));
  });

  test("UDP flows leave an endpoint that is gone", async () => {
    for (const name of ["a", "b"]) {
      const echo = `require("dgram").createSocket("udp4").on("message", function (_, { address, port }) { this.send("${name}", port, address); }).bind(9000)`;
      pods.get(name)!.netns.start(process.execPath, ["-e", echo]);
    }
    // Always from the same port: to the kernel all this is one flow.
    const question = `require("dgram").createSocket("udp4").on("message", function (text) { console.log(String(text)); this.close(); }).bind(4000, function () { this.send("?", 9000, "10.43.1.8"); })`;
    const ask = () => pods.get("c")!.netns.try(`timeout 10 "${process.execPath}" -e '${question}'`).output.trim();
    const spec = { clusterIP: "10.43.1.8", ports: [{ port: 9000, protocol: "UDP" }] };
    await give("udp", spec, ["a"], undefined, 9000);
    await vi.waitFor(() => expect(ask()).toBe("a"));
    await give("udp", spec, ["b"], undefined, 9000);
    await vi.waitFor(() => expect(ask()).toBe("b"));
  });

  test("a connection goes on when its endpoint leaves the Service", async () => {
    await give("web", { clusterIP: "10.43.1.1", ports: [{ port: 80 }] }, ["a"]);
    const { netns } = pods.get("c")!;
    const command = `${httpGet("http://10.43.1.1/cgi-bin/slow")} | grep -q end`;
    const slow = netns.start("sh", ["-c", command, join(directory, "slow")]);
    const ended = new Promise((resolve) => slow.once("exit", resolve));
    await vi.waitFor(() => expect(existsSync(join(directory, "a/began"))).toBe(true));
    await give("web", { clusterIP: "10.43.1.1", ports: [{ port: 80 }] }, ["b"]);
    // The answer ends when it may, not after a time within which the change above would have to be done.
    writeFileSync(join(directory, "a/enough"), "");
    expect(await ended).toBe(0);
  });

  test("pods find Services by their names, and other names by the node's resolver", async () => {
    await network.put("namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
    await give("named", { clusterIP: "10.43.1.9", ports: [{ name: "http", port: 80 }] }, ["a"]);
    await give("headless", { clusterIP: "None", ports: [{ port: 80 }] }, ["a", "b"]);
    await give("kube-dns", { clusterIP: "10.43.0.10", ports: [{ name: "dns", port: 53, protocol: "UDP" }] }, []);
    const { netns } = pods.get("c")!;
    netns.resolveBy(
      "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10\noptions ndots:5\n",
    );
    const told = (question: string, answer: string) =>
      vi.waitFor(() => expect(netns.run(`getent ${question}`)).toContain(answer));
    for (const name of ["named", "named.default", "named.default.svc", "named.default.svc.cluster.local"])
      await told(`hosts ${name}`, "10.43.1.9");
    await told("ahostsv4 headless", ip("b"));
    await told("hosts 10.43.1.9", "named.default.svc.cluster.local");
    expect(netns.try("getent hosts nothing").status).not.toBe(0);
    const answer = `require("dgram").createSocket("udp4").on("message", function (m, { address, port }) { const r = Buffer.concat([m.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]), m.subarray(12, m.indexOf(0, 12) + 5), Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1])]); this.send(r, port, address); }).bind(53, "172.30.9.2")`;
    neighbour.start(process.execPath, ["-e", answer]);
    await told("ahostsv4 example.com", "192.0.2.1");
  });

  test("a thousand Services are written and changed quickly", async () => {
    for (let i = 0; i < 1000; i++) {
      await put(`load-${i}`, { clusterIP: `10.43.${100 + (i >> 8)}.${i & 255}`, ports: [{ port: 80 }] }, [
        "a",
        "b",
        "c",
      ]);
    }
    const all = await timed(() => network.call("settled"));
    const one = await timed(() => give("load-1", { clusterIP: "10.43.100.1", ports: [{ port: 80 }] }, ["a"]));
    console.log(`1,000 Services: the rest written in ${all} ms, one change in ${one} ms`);
    expect(wget("c", "http://10.43.100.1/")).toBe("a");
    for (let i = 0; i < 1000; i++) await network.remove("services", { namespace: "default", name: `load-${i}` });
    await network.call("settled");
  });

  test("nothing of skiff's is left when everything is removed", async () => {
    await network.call("stop");
    expect(wget("c", "http://10.43.1.2/")).toBe("a");
    await network.call("removeEverything");
    expect(node.run("nft list ruleset; ip -o link; ip route; ip -6 route show default")).not.toMatch(
      /skiff|skf|10\.4[23]\./,
    );
  });
});

async function addPod(name: string): Promise<void> {
  const netns = new Netns(`pod-${name}`);
  const files = join(directory, name);
  netns.run(`mkdir -p ${files}/cgi-bin && echo ${name} > ${files}/index.html`);
  netns.run(`printf '#!/bin/sh\\necho; echo $REMOTE_ADDR' > ${files}/cgi-bin/client`);
  netns.run(
    `printf '#!/bin/sh\\ntouch ../began; echo; while ! [ -e ../enough ]; do echo begin; sleep 0.1; done; echo end' > ${files}/cgi-bin/slow`,
  );
  netns.run(`chmod +x ${files}/cgi-bin/*`);
  const pid = netns.start("busybox", ["httpd", "-f", "-p", "8080", "-h", files]).pid!;
  await vi.waitFor(() => expect(netns.run(`ip netns pids ${netns.name}`)).toContain(String(pid)));
  await vi.waitFor(() => expect(netns.run(httpGet("http://127.0.0.1:8080/")).trim()).toBe(name));
  const { ips } = (await network.call("attach", { uid: `uid-${name}`, namespace: "default", name, pid })) as {
    ips: string[];
  };
  pods.set(name, { netns, ip: ips[0]!, pid });
}

function ip(pod: string): string {
  return pods.get(pod)!.ip;
}
/** A shell command that prints the body of an answer. (busybox's own wget, linked statically, cannot resolve names and dies.) */
function httpGet(url: string, seconds = 30): string {
  const { hostname, port, pathname } = new URL(url);
  const request = `printf 'GET ${pathname} HTTP/1.0\\r\\n\\r\\n'`;
  return `(${request} | busybox nc -w ${seconds} ${hostname} ${port || 80} > "$0.$$" && sed '1,/^.\\{0,1\\}$/d' "$0.$$"; code=$?; rm -f "$0.$$"; exit $code)`;
}
function wget(pod: string, url: string): string {
  return pods.get(pod)!.netns.run(httpGet(url)).trim();
}
function tryWget(pod: string, url: string) {
  return pods.get(pod)!.netns.try(httpGet(url));
}

/**
 * What many requests answer: each answer once, in order. An endpoint is drawn by lot for each: that of two one is never drawn
 * happens once in 500 billion times.
 */
async function answers(ask: () => string): Promise<string[]> {
  const heard = new Set<string>();
  for (let n = 0; n < 40; n++) {
    heard.add(ask());
    // Each asking holds this process up; it has others to answer.
    await immediate();
  }
  return [...heard].sort();
}

type EndpointOf = string | { pod: string; ready?: boolean; nodeName?: string };

/** Puts a Service and its endpoints and waits for the rules. */
async function give(
  name: string,
  spec: NonNullable<Service["spec"]>,
  endpoints: readonly EndpointOf[],
  ingress?: { ip: string },
  targetPort = 8080,
): Promise<void> {
  await put(name, spec, endpoints, ingress, targetPort);
  await network.call("settled");
}

async function put(
  name: string,
  spec: NonNullable<Service["spec"]>,
  endpoints: readonly EndpointOf[],
  ingress?: { ip: string },
  targetPort = 8080,
): Promise<void> {
  const metadata = { namespace: "default", name };
  const protocol = spec.ports?.[0]?.protocol ?? "TCP";
  await network.put("services", {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec,
    ...(ingress && { status: { loadBalancer: { ingress: [ingress] } } }),
  } as never);
  await network.put("endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "", port: targetPort, protocol }],
    endpoints: endpoints.map(endpointFrom),
  } as never);
}

function endpointFrom(endpoint: EndpointOf): Endpoint {
  const { pod, ready = true, nodeName = "n1" } = typeof endpoint === "string" ? { pod: endpoint } : endpoint;
  return { addresses: [ip(pod)], conditions: { ready, serving: ready, terminating: false }, nodeName };
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return Math.round(performance.now() - began);
}
