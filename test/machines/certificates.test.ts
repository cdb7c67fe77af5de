import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Agent, joinCluster, nodeTokenOf, startAgent, untilReady } from "../support/agent.ts";
import { skiffProgram } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { journey } from "../support/journey.ts";
import { type Kubectl, openKubectl } from "../support/kubectl.ts";
import type { Machine } from "../support/machine.ts";

const on = journey("one", ["busybox:1"]);
const { kubectl } = on;
let two: Machine;
let agent: Agent;

beforeAll(async () => {
  two = await on.lan.machine("two");
  await loadImages(two, ["busybox:1"]);
  agent = await joinCluster(two, on.cluster);
  const overrides = JSON.stringify({ spec: { nodeName: "two" } });
  await kubectl("run", "away", "--image=busybox:1", `--overrides=${overrides}`, "--", "sleep", "3600");
  await kubectl("wait", "--for=condition=Ready", "pod/away", "--timeout=60s");
});
afterAll(() => agent?.[Symbol.asyncDispose]());

const skiff = (machine: Machine, ...args: string[]) =>
  machine.must(skiffProgram[0], [...skiffProgram.slice(1), ...args]);
/** The serial number of what the API server shows. */
const shown = async () => {
  const script = "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial";
  return (await on.machine.must("sh", ["-c", script])).trim();
};
/** kubectl with the kubeconfig as the server has it now; the other one keeps what it had. */
const freshKubectl = async (): Promise<Kubectl> => {
  const text = await on.machine.must("cat", ["/etc/skiff/skiff.yaml"]);
  const file = join(on.machine.directory, "kubeconfig.fresh");
  writeFileSync(file, text.replace("https://127.0.0.1:", `https://${on.machine.address}:`), { mode: 0o600 });
  return openKubectl(file);
};
const pidsOf = async () => {
  const pids = (machine: Machine) => machine.must("pgrep", ["-f", `${skiffProgram.at(-1)} (server|agent)`]);
  return Promise.all([on.machine, two].map(pids));
};

test("`skiff certificate check` says what ends when, on a server and on an agent", async () => {
  const server = await skiff(on.machine, "certificate", "check");
  expect(server).toMatch(/^server-ca +\d{4}-\d\d-\d\d +36\d\d days/m);
  expect(server).toMatch(/^serving-kube-apiserver +\d{4}-\d\d-\d\d +36[45] days +CN=kube-apiserver$/m);
  expect(await skiff(two, "certificate", "check")).toMatch(
    /^client-kubelet \(agent\) .* 36[45] days .*system:node:two$/m,
  );
});

test("`rotate` swaps what the running server shows, and kubeconfigs, new and old, go on working", async () => {
  const [before, pids] = [await shown(), await pidsOf()];
  await skiff(on.machine, "certificate", "rotate");
  await eventually(async () => expect(await shown()).not.toBe(before));
  await eventually(async () => {
    const kubeconfig = await on.machine.must("cat", ["/etc/skiff/skiff.yaml"]);
    expect(kubeconfig.replace("127.0.0.1", on.machine.address)).not.toBe(readFileSync(on.cluster.kubeconfig, "utf8"));
  });
  expect(await kubectl("exec", "away", "--", "hostname")).toBe("away\n");
  expect(await (await freshKubectl()).must(["exec", "away", "--", "hostname"])).toBe("away\n");
  expect(await pidsOf()).toEqual(pids);
});

test("`rotate` on an agent swaps its certificate while it runs", async () => {
  const pids = await pidsOf();
  const serial = () =>
    two.must("sh", [
      "-c",
      `sed -n 's/.*"certificate":"\\([^"]*\\)".*/\\1/p' /var/lib/skiff/agent/membership.json | sed 's/\\\\n/\\n/g' | openssl x509 -noout -serial`,
    ]);
  const before = await serial();
  await skiff(two, "certificate", "rotate");
  expect(await serial()).not.toBe(before);
  await eventually(() => expect(agent.output()).toContain("the node's certificate was renewed and is in use"));
  expect(await kubectl("exec", "away", "--", "hostname")).toBe("away\n");
  expect(await pidsOf()).toEqual(pids);
});

test("`rotate-ca` replaces the authorities, and nobody who knows the former ones is locked out", async () => {
  const [before, token] = [await shown(), await nodeTokenOf(on.cluster)];
  await skiff(on.machine, "certificate", "rotate-ca");
  await eventually(async () => expect(await shown()).not.toBe(before));
  // The old kubeconfig and an agent that only knows the former authority.
  expect(await kubectl("exec", "away", "--", "hostname")).toBe("away\n");
  await agent.stop();
  agent.start();
  await untilReady(on.cluster, "two", agent);
  expect(await (await freshKubectl()).must(["exec", "away", "--", "hostname"])).toBe("away\n");
  await skiff(two, "certificate", "rotate");
  expect((await skiff(two, "certificate", "check")).match(/^server-ca \(agent\)/gm)).toHaveLength(2);
  // A token pins one authority; devices that come now need a new one.
  const late = await startAgent(two, on.cluster, { token, flags: ["--data-dir", "/run/late", "--node-name", "late"] });
  expect(await late.ended).toBe(1);
  expect(late.output()).toContain("is not the server that made this token");
  expect(await nodeTokenOf(on.cluster)).not.toBe(token);
  expect(await kubectl("exec", "away", "--", "hostname")).toBe("away\n");
});

describe("a clock that is years off", () => {
  test.each(["-30y", "-2y"])("an agent whose clock is %s off joins and runs pods", async (offset) => {
    await agent.stop();
    const wrong = await startAgent(two, on.cluster, {
      wrapper: ["faketime", "-f", offset],
      flags: ["--data-dir", `/run/off${offset}`, "--node-name", "off"],
    });
    await untilReady(on.cluster, "off", wrong);
    const overrides = JSON.stringify({ spec: { nodeName: "off" } });
    await kubectl("run", "timeless", "--image=busybox:1", `--overrides=${overrides}`, "--", "sleep", "3600");
    await kubectl("wait", "--for=condition=Ready", "pod/timeless", "--timeout=60s");
    expect(await kubectl("exec", "timeless", "--", "hostname")).toBe("timeless\n");
    await kubectl("delete", "pod", "timeless", "--grace-period=1");
    await wrong.stop();
    await kubectl("delete", "node", "off");
  });
});
