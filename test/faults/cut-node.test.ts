import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster, startAgent, untilReady } from "../support/agent.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { journey } from "../support/journey.ts";
import type { Machine } from "../support/machine.ts";

// The cluster's clock in a hurry: a node, heard of every 10 seconds, counts as lost after 25 instead of 50; pods tolerate that
// for 3 instead of 300.
const flags = ["--kube-controller-manager-arg", "node-monitor-grace-period=25s"];
const on = journey("one", ["busybox:1"], { flags });
const { kubectl, json } = on;
const machines: Record<string, Machine> = {};
const agents: Record<string, Agent> = {};

const tolerations = ["not-ready", "unreachable"]
  .map((key) => `{key: node.kubernetes.io/${key}, operator: Exists, effect: NoExecute, tolerationSeconds: 3}`)
  .join(", ");
const podSpec = `{nodeSelector: {shelf: "yes"}, terminationGracePeriodSeconds: 1, tolerations: [${tolerations}], containers: [{name: c, image: "busybox:1", command: [sleep, "36000"]}]}`;
const manifest = `
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: ${podSpec}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: keeper}, spec: {serviceName: keeper, selector: {matchLabels: {app: keeper}}, template: {metadata: {labels: {app: keeper}}, spec: ${podSpec}}}}
`;

beforeAll(async () => {
  for (const name of ["two", "three"]) {
    machines[name] = await on.lan.machine(name);
    await loadImages(machines[name], ["busybox:1"]);
    agents[name] = await joinCluster(machines[name], on.cluster, { flags: ["--node-label", "shelf=yes"] });
  }
});
afterAll(async () => {
  for (const agent of Object.values(agents)) await agent[Symbol.asyncDispose]();
});

/** Which containers of pods whose names begin so run on which machines, whatever the API says. */
const running = async (prefix: string): Promise<string[]> => {
  const found: string[] = [];
  for (const [name, machine] of Object.entries(machines)) {
    const text = await machine.must("docker", ["-H", "unix:///run/docker.sock", "ps", "--format", "{{.Names}}"]);
    for (const line of text.split("\n")) if (line.startsWith(`k8s_c_${prefix}`)) found.push(name);
  }
  return found;
};
const nodeOf = async (app: string): Promise<string> =>
  (await json("get", "pods", "-l", `app=${app}`)).items[0].spec.nodeName;
const readyStatus = async (node: string): Promise<string> =>
  (await json("get", "node", node)).status.conditions.find(({ type }: { type: string }) => type === "Ready").status;

describe("a node that is cut off", () => {
  test("is lost after the grace period, its pods are replaced, and on its return nothing runs twice", async () => {
    await on.cluster.kubectl.apply(manifest);
    await kubectl("rollout", "status", "deployment/web", "--timeout=150s");
    await kubectl("rollout", "status", "statefulset/keeper", "--timeout=150s");
    // Both on one node, so that one cut takes both.
    const lost = await nodeOf("keeper");
    const other = lost === "two" ? "three" : "two";
    if ((await nodeOf("web")) !== lost) {
      await kubectl("cordon", other);
      // Until the scheduler has heard of it, one that is made in its place may come there again.
      await eventually(async () => {
        await kubectl("delete", "pod", "-l", "app=web", "--field-selector", `spec.nodeName=${other}`);
        expect(await running("web")).toEqual([lost]);
      });
      await kubectl("rollout", "status", "deployment/web", "--timeout=150s");
      await kubectl("uncordon", other);
    }
    await machines[lost]?.cut();

    await eventually(async () => expect(await readyStatus(lost)).toBe("Unknown"));
    await eventually(async () => expect(await running("web")).toEqual(expect.arrayContaining([other])));
    await kubectl("rollout", "status", "deployment/web", "--timeout=150s");
    // The node goes on with what it has; a pod with a name of its own is not started a second time.
    expect((await running("web")).sort()).toEqual([lost, other].sort());
    await eventually(async () =>
      expect((await json("get", "pod", "keeper-0")).metadata.deletionTimestamp).toBeDefined(),
    );
    expect(await running("keeper")).toEqual([lost]);
    // A connection without an other end does not keep anybody waiting.
    const { code, stderr } = await on.cluster.kubectl.run(["exec", "keeper-0", "--", "true"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/node|tunnel|connect/)]);

    await machines[lost]?.heal();
    await eventually(async () => expect(await readyStatus(lost)).toBe("True"));
    await eventually(async () => expect(await running("web")).toEqual([other]));
    await kubectl("rollout", "status", "statefulset/keeper", "--timeout=150s");
    await eventually(async () => {
      expect(await running("keeper")).toHaveLength(1);
      expect((await json("get", "pod", "keeper-0")).metadata.deletionTimestamp).toBeUndefined();
    });
    await eventually(async () => {
      expect((await json("get", "node", lost)).spec.taints ?? []).toEqual([]);
      expect((await json("get", "pods")).items).toHaveLength(2);
    });
  });

  test("for a moment keeps its pods and its place", async () => {
    const before = (await json("get", "pods")).items.map(({ metadata }: { metadata: { uid: string } }) => metadata.uid);
    const node = await nodeOf("keeper");
    await machines[node]?.cut();
    const ping = await on.machine.run("busybox", ["ping", "-c", "3", "-W", "1", machines[node]?.address ?? ""]);
    expect(ping.stdout).toContain(" 0 packets received");
    await machines[node]?.heal();
    await eventually(async () => expect(await kubectl("exec", "keeper-0", "--", "hostname")).toBe("keeper-0\n"));
    const after = (await json("get", "pods")).items.map(({ metadata }: { metadata: { uid: string } }) => metadata.uid);
    expect(after.sort()).toEqual(before.sort());
  });
});

test("an agent whose first server is gone uses those that the cluster told it of", async () => {
  await agents.three?.stop();
  const gone = on.machine.address.replace(/\d+$/, "250");
  const agent = await startAgent(machines.three!, on.cluster, { server: `https://${gone}:6443` });
  await untilReady(on.cluster, "three", agent);
  await agent.stop();
  agents.three?.start();
  await untilReady(on.cluster, "three", agents.three);
});
