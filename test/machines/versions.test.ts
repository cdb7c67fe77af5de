import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Agent, asDevice, joinCluster, refusedAgent } from "../support/agent.ts";
import { programOfVersion } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const two = secondNode(on, "two");
const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, "../../package.json"), "utf8"));
const [major, minor] = version.split(".").map(Number) as [number, number];
let agent: Agent | undefined;
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

describe("a device whose skiff is of another version than the server's", () => {
  test.each([
    ["a minor version newer", "newer", `${major}.${minor + 1}.0`],
    ["a minor version older", "older", `${major}.${minor - 1}.3`],
  ])("%s, joins and runs pods that kubectl reaches", async (_, name, claims) => {
    await two.agent.stop();
    agent = await joinCluster(two.machine, on.cluster, { program: programOfVersion(claims), flags: asDevice(name) });
    const { status } = await on.json("get", "node", name);
    expect(status.nodeInfo.kubeletVersion).toMatch(new RegExp(`\\+skiff-${claims.replaceAll(".", "\\.")}$`));
    await on.runOn(name, `on-${name}`, "sleep", "3600");
    await eventually(async () => expect(await on.kubectl("exec", `on-${name}`, "--", "hostname")).toBe(`on-${name}\n`));
    await on.kubectl("delete", "pod", `on-${name}`);
    await on.kubectl("delete", "node", name);
  });

  test("two minor versions apart, is refused with what to install", async () => {
    const program = programOfVersion(`${major}.${minor + 2}.0`);
    const said = await refusedAgent(two.machine, on.cluster, { program, flags: asDevice("far") });
    expect(said).toContain(`this device runs skiff ${major}.${minor + 2}.0 and the server ${version}`);
    expect(said).toContain(`Install ${major}.${minor} on this device, or upgrade the server first`);
    expect(await on.kubectl("get", "nodes", "-o", "name")).not.toContain("far");
  });

  test("that is a node already goes on, and says that it is too far apart", async () => {
    const program = programOfVersion(`${major + 1}.0.0`);
    agent = await joinCluster(two.machine, on.cluster, { program });
    await eventually(() => expect(agent?.output()).toMatch(/WARN.*they may be one minor version apart/));
  });

  test("older than what wrote its memory, forgets and goes on with what the server says", async () => {
    // The file format's place for an application's version.
    const file = "/var/lib/skiff/agent/recollection/state.db";
    await two.machine.must("sh", ["-c", `printf '\\000\\000\\003\\347' | dd of=${file} bs=1 seek=60 conv=notrunc`]);
    agent = await joinCluster(two.machine, on.cluster);
    await eventually(() => expect(agent?.output()).toMatch(/cannot be read; it begins anew.*is of format 999/));
  });
});
