import { afterAll, beforeAll, expect, test } from "vitest";
import { untilReady } from "../support/agent.ts";
import { type Api, openApi } from "../support/api.ts";
import { fillCard, freeCard } from "../support/card.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { secondNode } from "../support/second-node.ts";

// Nobody is evicted: what is looked at is that all lives on with a card that takes nothing.
const flags = ["--kubelet-arg", "eviction-hard=memory.available<1%"];
const on = journey("one", ["busybox:1"], { cardMegabytes: 256, flags });
const two = secondNode(on, "two", { cardMegabytes: 256, flags });
const { kubectl, json } = on;
const path = "/api/v1/namespaces/default/configmaps";
let api: Api;
/** Every write that was answered. */
const acknowledged: string[] = [];

beforeAll(async () => {
  api = openApi(on.cluster.kubeconfig);
  for (const node of ["one", "two"]) await on.runOn(node, `on-${node}`, "sleep", "36000");
});
afterAll(async () => {
  api?.[Symbol.dispose]();
});

const runOn = (node: string, name: string) => {
  const overrides = JSON.stringify({ spec: { nodeName: node, terminationGracePeriodSeconds: 1 } });
  return kubectl("run", name, "--image=busybox:1", `--overrides=${overrides}`, "--", "sleep", "36000");
};
interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly containerStatuses: readonly { containerID: string; restartCount: number }[] };
}
/** The containers of the two pods, and how often they were restarted. */
const containers = async () =>
  (await json("get", "pods", "on-one", "on-two")).items.flatMap(({ metadata, status }: Pod) =>
    status.containerStatuses.map((each) => [metadata.name, each.containerID, each.restartCount]),
  );
let written = 0;
/** The answer to one write of a few kilobytes; remembered when it was acknowledged. */
const write = async () => {
  const name = `w-${written++}`;
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value: "x".repeat(20_000) } };
  const answer = await api.request("POST", path, object);
  if (answer.status === 201) acknowledged.push(name);
  return answer;
};
const renewal = async (node: string) =>
  (await json("get", "lease", node, "-n", "kube-node-lease")).spec.renewTime as string;
const ready = async () =>
  (await json("get", "nodes")).items.map(
    ({ status }: { status: { conditions: { type: string; status: string }[] } }) =>
      status.conditions.find(({ type }) => type === "Ready")?.status,
  );
const allThere = async () => {
  const { items } = await json("get", "configmaps");
  const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  expect(names).toEqual(expect.arrayContaining(acknowledged));
};

test("the server's card is full: writes are refused with the reason, all else goes on until there is room", async () => {
  const before = await containers();
  expect((await write()).status).toBe(201);
  await fillCard(on.machine);
  const refusal = await eventually(async () => {
    const { status, body } = await write();
    expect(status).not.toBe(201);
    return body;
  });
  expect(refusal).toMatchObject({ kind: "Status", status: "Failure", reason: "InternalError", code: 500 });
  expect(refusal.message).toMatch(/the datastore cannot write: no space is left on the disk of .*state\.db/);
  // What is there is read; nodes are heard; pods are reached.
  await allThere();
  const heard = await renewal("two");
  await eventually(async () => expect(await renewal("two")).not.toBe(heard));
  expect(await kubectl("exec", "on-two", "--", "hostname")).toBe("on-two\n");
  expect(await kubectl("exec", "on-one", "--", "hostname")).toBe("on-one\n");
  expect(await ready()).toEqual(["True", "True"]);

  freeCard(on.machine);
  await eventually(async () => expect((await write()).status).toBe(201));
  expect(await containers()).toEqual(before);
  // On disk as well, not only in the memory of the process that answered.
  await on.cluster.stop("SIGKILL");
  await on.cluster.start();
  await untilReady(on.cluster, "two");
  await allThere();
  expect(await containers()).toEqual(before);
});

test("the server is started while its card is full: what is there is read and runs, writes wait for room", async () => {
  const before = await containers();
  await on.cluster.stop("SIGKILL");
  await fillCard(on.machine);
  await on.cluster.start();
  await eventually(() =>
    expect(on.cluster.output()).toMatch(/the datastore can be read only: .*no space is left on the disk of/),
  );
  await allThere();
  expect((await write()).status).toBe(500);
  for (const pod of ["on-two", "on-one"])
    await eventually(async () => expect(await kubectl("exec", pod, "--", "hostname")).toBe(`${pod}\n`));
  freeCard(on.machine);
  await eventually(async () => expect((await write()).status).toBe(201));
  const heard = await renewal("two");
  await eventually(async () => expect(await renewal("two")).not.toBe(heard));
  await untilReady(on.cluster, "two");
  await allThere();
  expect(await containers()).toEqual(before);
});

test("an agent's card is full: its pods run on, a new one says what is missing and starts when there is room", async () => {
  const before = await containers();
  await fillCard(two.machine);
  await runOn("two", "late");
  await eventually(async () => {
    const { items } = await json("get", "events", "--field-selector", "involvedObject.name=late,type=Warning");
    const messages: string[] = items.map(({ message }: { message: string }) => message);
    expect(messages.join("\n")).toMatch(/no space left on device/i);
  });
  const heard = await renewal("two");
  await eventually(async () => expect(await renewal("two")).not.toBe(heard));
  expect(await kubectl("exec", "on-two", "--", "hostname")).toBe("on-two\n");
  expect(await ready()).toEqual(["True", "True"]);
  // What the server says meanwhile is owed to the disk.
  await eventually(() => expect(two.agent.output()).toContain("could not be kept on the disk; trying again"));
  freeCard(two.machine);
  await eventually(() => expect(two.agent.output()).toContain("is kept on the disk again"));
  await kubectl("wait", "--for=condition=Ready", "pod/late", "--timeout=150s");
  expect(await containers()).toEqual(before);
});

test("an agent is started while its card is full: it goes on with what runs, and needs nothing to heal", async () => {
  const before = await containers();
  await two.agent.stop("SIGKILL");
  await fillCard(two.machine);
  two.agent.start();
  await untilReady(on.cluster, "two", two.agent);
  await eventually(async () => expect(await kubectl("exec", "on-two", "--", "hostname")).toBe("on-two\n"));
  expect(await containers()).toEqual(before);
  freeCard(two.machine);
  await runOn("two", "later");
  await kubectl("wait", "--for=condition=Ready", "pod/later", "--timeout=150s");
  expect(await containers()).toEqual(before);
});
