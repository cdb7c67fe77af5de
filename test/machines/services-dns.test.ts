import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { must } from "../support/run.ts";

const on = journey("services", ["busybox:1"]);
const { kubectl, json, get } = on;
const inClient = (...command: string[]) => kubectl("exec", "client", "--", ...command);

beforeAll(async () => {
  await on.cluster.kubectl.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: "busybox:1", command: [sh, -c, "mkdir /www; hostname > /www/index.html; exec httpd -f -p 8080 -h /www"], ports: [{name: http, containerPort: 8080}]}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web-node}, spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web-balanced}, spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 8088, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web-headless}, spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: elsewhere}, spec: {type: ExternalName, externalName: web.default.svc.cluster.local}}
---
{apiVersion: v1, kind: Service, metadata: {name: nobody}, spec: {selector: {app: nobody}, ports: [{port: 80}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  containers: [{name: c, image: "busybox:1", command: [sleep, "3600"]}]
`);
  await kubectl("rollout", "status", "deployment/web", "--timeout=150s");
  await kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=150s");
});

const pods = async (): Promise<{ metadata: { name: string }; status: { podIP: string } }[]> =>
  (await json("get", "pods", "-l", "app=web")).items;
const names = async () => (await pods()).map((pod) => pod.metadata.name).sort();
/** Asks often enough that every pod answers; the set of those that did. */
const answering = (ask: () => Promise<string>) =>
  eventually(async () => {
    const answers = new Set<string>();
    for (let n = 0; n < 20; n++) answers.add((await ask()).trim());
    expect([...answers].sort()).toEqual(await names());
  });

describe("Services", () => {
  test("a ClusterIP is balanced over the ready pods, from a pod, from the node, and from a pod to itself", async () => {
    const { clusterIP } = (await json("get", "service", "web")).spec;
    await answering(() => inClient("wget", "-qO-", `http://${clusterIP}/`));
    await answering(() => get(`http://${clusterIP}/`));
    const [first] = await names();
    await answering(() => kubectl("exec", first!, "--", "wget", "-qO-", `http://${clusterIP}/`));
  });

  test("a NodePort answers at the node's address from outside, and on the node itself", async () => {
    await answering(() => must("curl", ["-sS", "--max-time", "15", `http://${on.machine.address}:30080/`]));
    await answering(() => get("http://127.0.0.1:30080/"));
  });

  test("a LoadBalancer has the node's address", async () => {
    await kubectl(
      "wait",
      "--for=jsonpath={.status.loadBalancer.ingress[0].ip}",
      "service/web-balanced",
      "--timeout=150s",
    );
    expect((await json("get", "service", "web-balanced")).status.loadBalancer.ingress[0].ip).toBe(on.machine.address);
    await answering(() => must("curl", ["-sS", "--max-time", "15", `http://${on.machine.address}:8088/`]));
  });

  test("the proxy tells its health and its mode where kube-proxy does, and quiet connections live as long", async () => {
    await eventually(async () => {
      const health = JSON.parse(await get(`http://${on.machine.address}:10256/healthz`));
      expect(health).toMatchObject({ nodeEligible: true, lastUpdated: health.currentTime });
    });
    expect(await get("http://127.0.0.1:10249/proxyMode")).toBe("nftables");
    const remembered = (sort: string) =>
      on.machine.must("cat", [`/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_${sort}`]);
    expect([await remembered("close_wait"), await remembered("established")]).toEqual(["3600\n", "86400\n"]);
  });

  test("a Service without endpoints refuses at once", async () => {
    const { clusterIP } = (await json("get", "service", "nobody")).spec;
    // curl's exit code 7: the connection was refused (28 would be: nobody answered in time).
    await eventually(async () =>
      expect((await on.machine.run("curl", ["-sS", "--max-time", "5", `http://${clusterIP}/`])).code).toBe(7),
    );
  });
});

describe("the API server's proxy", () => {
  test("reaches a pod and a Service", async () => {
    const [pod] = await pods();
    expect(await kubectl("get", "--raw", `/api/v1/namespaces/default/pods/${pod!.metadata.name}:8080/proxy/`)).toBe(
      `${pod!.metadata.name}\n`,
    );
    await answering(() => kubectl("get", "--raw", "/api/v1/namespaces/default/services/web:http/proxy/"));
  });

  test("reaches the node's own pages", async () => {
    expect(JSON.parse(await kubectl("get", "--raw", "/api/v1/nodes/services/proxy/stats/summary")).node.nodeName).toBe(
      "services",
    );
  });
});

describe("names", () => {
  const resolved = async (name: string) =>
    [
      ...(await inClient("nslookup", name))
        .split("Name:")
        .slice(1)
        .join("")
        .matchAll(/Address(?: \d+)?: (\S+)/g),
    ]
      .map((match) => match[1])
      .sort();

  test.each(["web", "web.default", "web.default.svc", "web.default.svc.cluster.local"])(
    "%s is the Service",
    async (name) => {
      const { clusterIP } = (await json("get", "service", "web")).spec;
      await answering(() => inClient("wget", "-qO-", `http://${name}/`));
      expect(await inClient("ping", "-c1", "-W1", name).catch((error: Error) => error.message)).toContain(clusterIP);
    },
  );

  test("a headless Service is its pods", async () => {
    const ips = (await pods()).map((pod) => pod.status.podIP).sort();
    await eventually(async () => expect(await resolved("web-headless.default.svc.cluster.local")).toEqual(ips));
  });

  test("an ExternalName leads to where it points", async () => {
    const { clusterIP } = (await json("get", "service", "web")).spec;
    await eventually(async () => expect(await resolved("elsewhere.default.svc.cluster.local")).toContain(clusterIP));
  });

  test("a pod's address has a name, and a named port an SRV record", async () => {
    const [pod] = await pods();
    const dashed = pod!.status.podIP.replaceAll(".", "-");
    await eventually(async () => {
      expect(await resolved(`${dashed}.default.pod.cluster.local`)).toEqual([pod!.status.podIP]);
      expect(await inClient("nslookup", "-type=srv", "_http._tcp.web.default.svc.cluster.local")).toMatch(
        /service = 0 \d+ 80 web\.default\.svc\.cluster\.local/,
      );
    });
  });

  test("kubernetes.default is the API", async () => {
    await eventually(async () => expect(await resolved("kubernetes.default.svc.cluster.local")).toEqual(["10.43.0.1"]));
  });

  test("an unknown name of the cluster is unknown", async () => {
    await eventually(() =>
      expect(inClient("nslookup", "absent.default.svc.cluster.local")).rejects.toThrow("NXDOMAIN"),
    );
  });
});
