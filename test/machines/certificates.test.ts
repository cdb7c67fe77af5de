import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { asDevice, nodeTokenOf, refusedAgent, startAgent, untilReady } from "../support/agent.ts";
import { runSkiff, skiffProgram } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { type Kubectl, openKubectl } from "../support/kubectl.ts";
import type { Machine } from "../support/machine.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const { kubectl, fails } = on;
const two = secondNode(on, "two");

beforeAll(() => on.runOn("two", "away", "sleep", "3600"));

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
/** The pod on the other node is reached; by a node or a server that began anew, as soon as they have found each other. */
const reached = (by: () => Promise<Kubectl> = async () => on.cluster.kubectl) =>
  eventually(async () => expect(await (await by()).must(["exec", "away", "--", "hostname"])).toBe("away\n"));
const pidsOf = async () => {
  const pids = (machine: Machine) => machine.must("pgrep", ["-f", `${skiffProgram.at(-1)} (server|agent)`]);
  return Promise.all([on.machine, two.machine].map(pids));
};

test("`skiff certificate check` says what ends when, on a server and on an agent", async () => {
  const server = await runSkiff(on.machine, "certificate", "check");
  expect(server).toMatch(/^server-ca +\d{4}-\d\d-\d\d +36\d\d days/m);
  expect(server).toMatch(/^serving-kube-apiserver +\d{4}-\d\d-\d\d +36[45] days +CN=kube-apiserver$/m);
  expect(await runSkiff(two.machine, "certificate", "check")).toMatch(
    /^client-kubelet \(agent\) .* 36[45] days .*system:node:two$/m,
  );
});

test("`rotate` swaps what the running server shows, and kubeconfigs, new and old, go on working", async () => {
  const [before, pids] = [await shown(), await pidsOf()];
  await runSkiff(on.machine, "certificate", "rotate");
  await eventually(async () => expect(await shown()).not.toBe(before));
  await eventually(async () => {
    const kubeconfig = await on.machine.must("cat", ["/etc/skiff/skiff.yaml"]);
    expect(kubeconfig.replace("127.0.0.1", on.machine.address)).not.toBe(readFileSync(on.cluster.kubeconfig, "utf8"));
  });
  await reached();
  await reached(freshKubectl);
  expect(await pidsOf()).toEqual(pids);
});

test("`rotate` on an agent swaps its certificate while it runs", async () => {
  const pids = await pidsOf();
  const serial = () =>
    two.machine.must("sh", [
      "-c",
      `sed -n 's/.*"certificate":"\\([^"]*\\)".*/\\1/p' /var/lib/skiff/agent/membership.json | sed 's/\\\\n/\\n/g' | openssl x509 -noout -serial`,
    ]);
  const before = await serial();
  await runSkiff(two.machine, "certificate", "rotate");
  expect(await serial()).not.toBe(before);
  await eventually(() => expect(two.agent.output()).toContain("the node's certificate was renewed and is in use"));
  await reached();
  expect(await pidsOf()).toEqual(pids);
});

test("`rotate-ca` replaces the authorities, and nobody who knows the former ones is locked out", async () => {
  const [before, token] = [await shown(), await nodeTokenOf(on.cluster)];
  await runSkiff(on.machine, "certificate", "rotate-ca");
  await eventually(async () => expect(await shown()).not.toBe(before));
  // Whoever learns the authorities from the API learns the new ones at once: pods, and servers of other APIs.
  const file = (name: string) => on.machine.must("cat", [`/var/lib/skiff/server/tls/${name}.crt`]);
  const [serverCa, clientCa, requestHeaderCa] = await Promise.all(
    ["server-ca", "client-ca", "request-header-ca"].map(file),
  );
  const published = async (namespace: string, name: string) => (await on.json("get", "cm", name, "-n", namespace)).data;
  await eventually(async () => {
    for (const namespace of ["default", "kube-system"])
      expect((await published(namespace, "kube-root-ca.crt"))["ca.crt"]).toContain(serverCa);
    expect(await published("kube-system", "extension-apiserver-authentication")).toMatchObject({
      "client-ca-file": expect.stringContaining(clientCa ?? "?"),
      "requestheader-client-ca-file": expect.stringContaining(requestHeaderCa ?? "?"),
    });
  });
  // The old kubeconfig and an agent that only knows the former authority.
  await reached();
  await two.agent.stop();
  two.agent.start();
  await untilReady(on.cluster, "two", two.agent);
  await reached(freshKubectl);
  await runSkiff(two.machine, "certificate", "rotate");
  expect((await runSkiff(two.machine, "certificate", "check")).match(/^server-ca \(agent\)/gm)).toHaveLength(2);
  // A token pins one authority; devices that come now need a new one.
  const late = await refusedAgent(two.machine, on.cluster, { token, flags: asDevice("late") });
  expect(late).toContain("is not the server that made this token");
  expect(await nodeTokenOf(on.cluster)).not.toBe(token);
  await reached();
});

test("an agent that was away through two more replacements comes back, and the first kubeconfig still works", async () => {
  await two.agent.stop();
  for (let n = 0; n < 2; n++) {
    const before = await shown();
    await runSkiff(on.machine, "certificate", "rotate-ca");
    await eventually(async () => expect(await shown()).not.toBe(before));
  }
  two.agent.start();
  await untilReady(on.cluster, "two", two.agent);
  await reached();
});

describe("a clock that is years off", () => {
  test.each(["-30y", "-2y"])("an agent whose clock is %s off joins and runs pods", async (offset) => {
    await two.agent.stop();
    const wrong = await startAgent(two.machine, on.cluster, {
      wrapper: ["faketime", "-f", offset],
      flags: asDevice("off", `off${offset}`),
    });
    await untilReady(on.cluster, "off", wrong);
    await on.runOn("off", "timeless", "sleep", "3600");
    await eventually(async () => expect(await kubectl("exec", "timeless", "--", "hostname")).toBe("timeless\n"));
    await kubectl("delete", "pod", "timeless", "--grace-period=1");
    await wrong.stop();
    await kubectl("delete", "node", "off");
    // Its name is free again a moment later.
    await eventually(() => fails("get", "secret", "off.node-key.skiff", "-n", "kube-system"));
  });
});
