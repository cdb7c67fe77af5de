import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pod } from "../../src/api/schema/types.ts";
import { type Agent, joinCluster, startAgent, untilReady } from "../support/agent.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";

const serve = (words: string) =>
  JSON.stringify(["sh", "-c", `mkdir /www; ${words} > /www/index.html; exec httpd -f -p 8080 -h /www`]);

/** A pod on each node, and a Service over those of "web". */
const manifest = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: c
        image: busybox:1
        command: ${serve("echo $NODE")}
        env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
        readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1, timeoutSeconds: 30}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web-node}, spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: web-local}, spec: {type: NodePort, externalTrafficPolicy: Local, selector: {on: two}, ports: [{port: 80, targetPort: 8080, nodePort: 30081}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: only-two, labels: {on: two}}
spec:
  nodeName: two
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: busybox:1
    command: [sh, -c, "mkdir /www; echo two > /www/index.html; exec httpd -f -v -p 8080 -h /www"]
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1, timeoutSeconds: 30}
`;

describe.each(["vxlan", "host-gw", "wireguard"])("two nodes with %s", (backend) => {
  const machines: Record<string, Machine> = {};
  let net: Lan;
  let cluster: Cluster;
  let agent: Agent;
  const kubectl = (...args: string[]) => cluster.kubectl.must(args);
  /** The pod of each node, when each has one. */
  const podsByNode = () =>
    eventually(async (): Promise<Map<string, { name: string; ip: string }>> => {
      const { items } = await cluster.kubectl.json(["get", "pods", "-l", "app=web"]);
      const found: [string, { name: string; ip: string }][] = items.flatMap(({ metadata, spec, status }: Pod) =>
        status?.podIP ? [[spec.nodeName, { name: metadata.name, ip: status.podIP }]] : [],
      );
      expect(found.map(([node]) => node).sort()).toEqual([...nodes].sort());
      return new Map(found);
    });
  const get = async (node: string, url: string) =>
    (await machines[node]?.must("curl", ["-sS", "-m", "15", url]))?.trim();
  const wget = (pod: string | undefined, url: string) => kubectl("exec", pod ?? "", "--", "wget", "-qO-", url);
  const nodes = ["one", "two"];

  beforeAll(async () => {
    net = await lan();
    for (const name of nodes) {
      machines[name] = await net.machine(name);
      await loadImages(machines[name], ["busybox:1"]);
    }
    cluster = await startCluster(machines.one!, ["--flannel-backend", backend]);
    agent = await joinCluster(machines.two!, cluster);
    await cluster.kubectl.apply(manifest);
    await kubectl("rollout", "status", "daemonset/web", "--timeout=150s");
    await kubectl("wait", "--for=condition=Ready", "pod/only-two", "--timeout=150s");
  });
  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
    await net?.[Symbol.asyncDispose]();
  });

  const reachEachOther = async () => {
    const pods = await podsByNode();
    const fromTo = nodes.flatMap((from) => nodes.map((to) => ({ from, to })));
    await Promise.all(
      fromTo.map(async ({ from, to }) => {
        const url = `http://${pods.get(to)?.ip}:8080/`;
        await eventually(async () => expect(await get(from, url)).toBe(to));
        await eventually(async () => expect(await wget(pods.get(from)?.name, url)).toBe(`${to}\n`));
      }),
    );
  };
  /** Asks until the pods of both nodes have answered. */
  const answeredByBoth = (ask: () => Promise<string | undefined>) =>
    eventually(async () => {
      const answers = new Set<string | undefined>();
      for (let n = 0; n < 16 && answers.size < nodes.length; n++) answers.add((await ask())?.trim());
      expect([...answers].sort()).toEqual(nodes);
    });

  test("pods and nodes reach the pods of every node", reachEachOther);

  test("a Service, its name and its node ports answer on every node", async () => {
    const { clusterIP } = (await cluster.kubectl.json(["get", "service", "web"])).spec;
    const pods = await podsByNode();
    for (const from of nodes) {
      await answeredByBoth(() => get(from, `http://${clusterIP}/`));
      await answeredByBoth(() => wget(pods.get(from)?.name, "http://web.default/"));
      for (const to of nodes) await answeredByBoth(() => get(from, `http://${machines[to]?.address}:30080/`));
    }
  });

  test("externalTrafficPolicy: Local answers on nodes with a pod only, and shows the client's own address", async () => {
    const ask = (from: string, to: string) => get(from, `http://${machines[to]?.address}:30081/`);
    await eventually(async () => expect(await ask("one", "two")).toBe("two"));
    await eventually(async () => expect(await kubectl("logs", "only-two")).toContain(`${machines.one?.address}]:`));
    await expect(ask("two", "one")).rejects.toThrow(/exit code (7|28)/);
  });

  test("rules and routes that somebody else took away come back by themselves", async () => {
    for (const name of nodes) await machines[name]?.must("nft", ["flush", "ruleset"]);
    const { clusterIP } = (await cluster.kubectl.json(["get", "service", "web"])).spec;
    for (const from of nodes) await answeredByBoth(() => get(from, `http://${clusterIP}/`));
    for (const name of nodes) {
      await machines[name]?.must("sh", [
        "-c",
        "ip -4 route flush table main proto 143; ip link del skiffvx || ip link del skiffwg || true",
      ]);
      await machines[name]?.must("ip", ["link", "del", "skiff0"]);
    }
    await reachEachOther();
    for (const from of nodes) await answeredByBoth(() => get(from, `http://${clusterIP}/`));
  });

  test("no packet between pods is lost while skiff is started again", async () => {
    const pods = await podsByNode();
    const from = pods.get("one")?.name ?? "";
    // Each waits for its answer: one that is still on its way in the end is not lost.
    const one = `ping -q -c 1 -W 30 ${pods.get("two")?.ip} >/dev/null || echo lost`;
    const ping = `while ! test -e /tmp/enough; do ${one}; sleep 0.05; done; rm /tmp/enough`;
    const pinging = kubectl("exec", from, "--", "sh", "-c", ping);
    await agent.stop();
    agent.start();
    await untilReady(cluster, "two", agent);
    await kubectl("exec", from, "--", "touch", "/tmp/enough");
    expect(await pinging).toBe("");
  });

  test("the network service of a node is restarted", async () => {
    const address = machines.two?.address ?? "";
    const gateway = net.hostAddress;
    const script = `ip link set eth0 down; ip addr flush dev eth0; sleep 0.2; ip addr add ${address}/24 dev eth0; ip link set eth0 up; ip route add default via ${gateway}`;
    await machines.two?.must("sh", ["-c", script]);
    await reachEachOther();
  });

  test("a third node joins, and its pods and the others' reach each other", async () => {
    machines.three = await net.machine("three");
    await loadImages(machines.three, ["busybox:1"]);
    const third = await startAgent(machines.three, cluster);
    nodes.push("three");
    try {
      await untilReady(cluster, "three", third);
      await kubectl("rollout", "status", "daemonset/web", "--timeout=150s");
      await reachEachOther();
    } finally {
      nodes.pop();
      await third[Symbol.asyncDispose]();
      await kubectl("delete", "node", "three");
    }
  });
});
