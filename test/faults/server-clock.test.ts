import { globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster } from "../support/agent.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { type Lan, lan, type Machine } from "../support/machine.ts";

// The clock of the server's process alone is another one: the machine's is nobody's to set. Docker and the agent have the right time.
let net: Lan;
let one: Machine;
let cluster: Cluster;
let agent: Agent;
/** From now on the server's clock is so far off; what measures durations is not. */
const setClock = (offset: string) => writeFileSync(join(one.directory, "clock"), offset);

beforeAll(async () => {
  net = await lan();
  one = await net.machine("one");
  const two = await net.machine("two");
  for (const machine of [one, two]) await loadImages(machine, ["busybox:1"]);
  const [library = ""] = globSync("/usr/lib/*/faketime/libfaketime.so.1");
  setClock("-30y");
  cluster = await startCluster(one, [], {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: join(one.directory, "clock"),
    FAKETIME_CACHE_DURATION: "1",
    DONT_FAKE_MONOTONIC: "1",
  });
  agent = await joinCluster(two, cluster);
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await net?.[Symbol.asyncDispose]();
});

const kubectl = (...args: string[]) => cluster.kubectl.must(args);
const json = (...args: string[]) => cluster.kubectl.json(args);
const yearOfServer = async () =>
  new Date((await json("create", "configmap", "now", "--dry-run=server")).metadata.creationTimestamp).getUTCFullYear();
const thisYear = new Date().getUTCFullYear();

const pod = (node: string, name: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: busybox:1
    command: [sleep, "36000"]
    readinessProbe: {exec: {command: ["true"]}, initialDelaySeconds: 1, periodSeconds: 1, timeoutSeconds: 30}
`;
const runOnBoth = async (suffix: string) => {
  for (const node of ["one", "two"]) await cluster.kubectl.apply(pod(node, `${node}-${suffix}`));
  await kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=150s");
};
const containers = async () =>
  (await json("get", "pods")).items.flatMap(
    ({ status }: { status: { containerStatuses: { containerID: string; restartCount: number }[] } }) =>
      status.containerStatuses.map(({ containerID, restartCount }) => [containerID, restartCount]),
  );
/** What a pod is told when it asks the API who it is. */
const whoIs = (name: string) => {
  const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  return kubectl("exec", name, "--", "cat", `${folder}/token`).then((token) =>
    cluster.machine.must("curl", [
      ...["-sS", "--cacert", "/var/lib/skiff/server/tls/server-ca.crt", "-H", `Authorization: Bearer ${token}`],
      "https://127.0.0.1:6443/api/v1/namespaces/default",
    ]),
  );
};
const wasLost = async () =>
  (await json("get", "events", "-A", "--field-selector", "reason=NodeNotReady")).items.map(
    ({ involvedObject }: { involvedObject: { name: string } }) => involvedObject.name,
  );
const renewal = async (node: string): Promise<string> =>
  (await json("get", "lease", node, "-n", "kube-node-lease")).spec.renewTime;

test("a server that begins thirty years ago has an agent, pods and tokens", async () => {
  expect(await yearOfServer()).toBeLessThan(thisYear - 20);
  await runOnBoth("old");
  for (const name of ["one-old", "two-old"])
    await eventually(async () => expect(await whoIs(name)).toContain('"reason":"Forbidden"'));
});

describe.each([
  ["becomes right", "+0", "right"],
  ["is a day ahead", "+1d", "ahead"],
  ["is set back", "-1d", "back"],
])("when its clock %s while it runs", (_, offset, name) => {
  test("no node is lost, no container is restarted, and all goes on", async () => {
    const before = await containers();
    setClock(offset);
    await eventually(async () => expect(await yearOfServer()).toBeGreaterThanOrEqual(thisYear - 1));
    // Heard after the change: what counts silence has counted until then.
    await Promise.all(
      ["one", "two"].map(async (node) => {
        const heard = await renewal(node);
        await eventually(async () => expect(await renewal(node)).not.toBe(heard));
      }),
    );
    expect(await wasLost()).toEqual([]);
    expect((await containers()).slice(0, before.length)).toEqual(before);
    await runOnBoth(name);
    for (const old of ["one-old", "two-old"])
      await eventually(async () => expect(await whoIs(old)).toContain('"reason":"Forbidden"'));
    await kubectl("create", "deployment", name, "--image=busybox:1", "--", "sleep", "36000");
    await kubectl("rollout", "status", `deployment/${name}`, "--timeout=150s");
  });
});
