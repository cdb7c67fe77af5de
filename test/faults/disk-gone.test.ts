import { afterAll, beforeAll, expect, test } from "vitest";
import { untilReady } from "../support/agent.ts";
import { type Api, openApi } from "../support/api.ts";
import { aDisk, type Disk } from "../support/card.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { podContainers } from "../support/pod-containers.ts";
import { aPod, main } from "../support/pods.ts";

const on = journey("one", ["busybox:1"]);
const { kubectl, json } = on;
const database = "/var/lib/skiff/server/db";
const path = "/api/v1/namespaces/default/configmaps";
let disk: Disk;
let api: Api;
/** Every write that was answered. */
const acknowledged: string[] = [];
let written = 0;

beforeAll(async () => {
  // The database moves to a disk of its own, as people do who spare their card.
  disk = await aDisk(on.machine, database, 64);
  await on.cluster.stop();
  await on.machine.must("mv", [database, "/var/lib/skiff/moved"]);
  await disk.putIn();
  await on.machine.must("sh", ["-c", `cp -a /var/lib/skiff/moved/. ${database}/`]);
  await on.cluster.start();
  api = openApi(on.cluster.kubeconfig);
  await on.apply(aPod("stays", { containers: [main({ name: "c" })] }));
  await on.ready("stays");
  await eventually(async () => expect((await write()).status).toBe(201));
});
afterAll(() => api?.[Symbol.dispose]());

async function write() {
  const name = `w-${written++}`;
  const answer = await api.request("POST", path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
  if (answer.status === 201) acknowledged.push(name);
  return answer;
}
async function allThere(): Promise<void> {
  const { items } = await json("get", "configmaps");
  const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  expect(names).toEqual(expect.arrayContaining(acknowledged));
}
/** Reads go on and pods are left alone, while writes are refused with a reason. */
async function livesOn(why: RegExp, containers: Record<string, string>): Promise<void> {
  const refusal = await eventually(async () => {
    const { status, body } = await write();
    expect([status, body.message]).toEqual([500, expect.stringMatching(why)]);
    return body;
  });
  expect(refusal).toMatchObject({ kind: "Status", status: "Failure", reason: "InternalError" });
  await allThere();
  expect(await kubectl("exec", "stays", "--", "hostname")).toBe("stays\n");
  expect(await podContainers(on.machine)).toEqual(containers);
}
/** Writes are taken again, and all that was acknowledged is on the disk: it is there after a power cut. */
async function heals(containers: Record<string, string>): Promise<void> {
  await eventually(async () => expect((await write()).status).toBe(201));
  await on.cluster.stop("SIGKILL");
  await on.cluster.start();
  await allThere();
  expect(await podContainers(on.machine)).toEqual(containers);
}

test("the disk of the database is pulled out while the server runs: nothing ends, and all is there when it is back", async () => {
  const containers = await podContainers(on.machine);
  await disk.pullOut();
  await livesOn(/the datastore cannot write: /, containers);
  await disk.unmount();
  await livesOn(/the datastore cannot write: /, containers);
  // Nothing of it was written where the disk belongs.
  expect(await on.machine.must("ls", ["-A", database])).toBe("");
  await disk.putIn();
  await heals(containers);
});

test("it is unmounted while the server runs: no other database begins in its place", async () => {
  const containers = await podContainers(on.machine);
  await disk.unmount();
  await livesOn(/the disk on which .*state\.db lay is not there/, containers);
  expect(await on.machine.must("ls", ["-A", database])).toBe("");
  await disk.putIn();
  await heals(containers);
});

test("it is not mounted when the machine starts: the node's pods come up, and the server when the disk is there", async () => {
  await on.cluster.stop("SIGKILL");
  await on.machine.reboot();
  on.cluster.launch();
  await eventually(() =>
    expect(on.cluster.output()).toMatch(/state\.db is not there, although this device is a node of that cluster/),
  );
  await eventually(async () => expect(Object.keys(await podContainers(on.machine))).toEqual(["stays"]));
  expect(await on.machine.must("ls", ["-A", database])).toBe("");
  // It can be stopped and started meanwhile.
  expect(await on.cluster.stop()).toBe(0);
  on.cluster.launch();
  await eventually(() => expect(on.cluster.output()).toContain("its node goes on with what it remembers"));
  const containers = await podContainers(on.machine);
  await disk.putIn();
  await eventually(() => expect(on.cluster.output()).toContain("the server has started after all"));
  await untilReady(on.cluster, "one");
  await allThere();
  await eventually(async () => expect((await write()).status).toBe(201));
  expect(await podContainers(on.machine)).toEqual(containers);
});
