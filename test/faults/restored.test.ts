import { expect, test } from "vitest";
import { untilReady } from "../support/agent.ts";
import { skiffProgram } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const two = secondNode(on, "two");
const { kubectl, json } = on;

const skiff = (...args: string[]) => on.machine.must(skiffProgram[0], [...skiffProgram.slice(1), ...args]);
const runOnTwo = (name: string) => on.runOn("two", name, "sleep", "36000");
/** The pods that have a container on machine two. */
const running = async (): Promise<string[]> => {
  const names = await two.machine.must("docker", ["-H", "unix:///run/docker.sock", "ps", "--format", "{{.Names}}"]);
  const pods = names.split("\n").map((line) => /^k8s_\w+_([^_]+)_default/.exec(line)?.[1] ?? "");
  return [...new Set(pods.filter(Boolean))].sort();
};

test("a database of yesterday: nodes agree with it, what it knows runs on, what it does not know ends", async () => {
  await runOnTwo("old");
  const before = (await json("get", "pod", "old")).status.containerStatuses[0].containerID;
  await skiff("snapshot", "save");
  await runOnTwo("new");
  // Something of the old pod changes as well, so that the node knows more of it than the restored server does.
  await kubectl("label", "pod", "old", "later=yes");
  expect(await running()).toEqual(["new", "old"]);
  const name = (await skiff("snapshot", "list")).split("\n")[1]?.split(" ")[0] ?? "";
  await on.cluster.stop();
  await skiff("snapshot", "restore", name);
  await on.cluster.start();
  await untilReady(on.cluster, "two", two.agent);
  await eventually(async () => expect(await running()).toEqual(["old"]));
  await eventually(async () => {
    const { metadata, status } = await json("get", "pod", "old");
    expect([metadata.labels.later, status.containerStatuses[0].containerID]).toEqual([undefined, before]);
  });
  // The node reports what happens to the pod from now on.
  await two.machine.must("docker", ["-H", "unix:///run/docker.sock", "kill", before.replace("docker://", "")]);
  await eventually(async () =>
    expect((await json("get", "pod", "old")).status.containerStatuses[0].restartCount).toBe(1),
  );
  await runOnTwo("new");
  await eventually(async () => expect(await running()).toEqual(["new", "old"]));
  await kubectl("delete", "pod", "old", "new");
  await eventually(async () => expect(await running()).toEqual([]));
});
