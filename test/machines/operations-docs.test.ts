import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Agent, nodeTokenOf, startAgent, untilReady } from "../support/agent.ts";
import { skiffProgram } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { kubectlPath } from "../support/kubectl.ts";
import type { Machine } from "../support/machine.ts";

const on = journey("one", []);
const machines: Record<string, Machine> = {};
let agent: Agent | undefined;
let programs = "";

beforeAll(async () => {
  machines.one = on.machine;
  machines.two = await on.lan.machine("two");
  // What an installation puts on the PATH.
  programs = on.machine.directory;
  const script = `#!/bin/sh\nexec ${skiffProgram.join(" ")} "$@"\n`;
  writeFileSync(join(programs, "skiff"), script);
  chmodSync(join(programs, "skiff"), 0o755);
  writeFileSync(join(programs, "kubectl"), `#!/bin/sh\nexec ${await kubectlPath()} "$@"\n`, { mode: 0o755 });
});
afterAll(() => agent?.[Symbol.asyncDispose]());

/** The lines of the blocks of commands in their order, with the machine on which each is run. */
function linesOf(page: string): { machine: string; line: string }[] {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs", page), "utf8");
  return [...text.matchAll(/^```sh (\w+)\n(.*?)^```$/gms)].flatMap(([, machine = "", script = ""]) =>
    script
      .trim()
      .split("\n")
      .map((line) => ({ machine, line })),
  );
}

const shell = (machine: string, script: string) =>
  machines[machine]!.must("sh", ["-c", script], { env: { PATH: `${programs}:${process.env.PATH}` } });

/** Runs a line as it stands; there is no systemd on these machines, and an agent runs in the foreground. */
async function carryOut(machine: string, line: string): Promise<void> {
  if (line === "systemctl stop skiff") return void (await on.cluster.stop());
  if (line === "systemctl start skiff") return on.cluster.start();
  if (line.startsWith("skiff agent")) {
    const flags = line.split(" ").slice(line.split(" ").indexOf("TOKEN") + 1);
    agent = await startAgent(machines.two!, on.cluster, { flags });
    return untilReady(on.cluster, "two", agent);
  }
  const sh = (script: string) => shell(machine, script);
  const name = line.includes("NAME") ? (await sh("skiff snapshot list")).split("\n")[1]?.split(" ")[0] : undefined;
  const run = () => sh(line.replaceAll("NAME", name ?? "").replaceAll("192.0.2.1", on.machine.address));
  if (machine === "one" && line.includes("certificate rotate")) {
    const before = await shown();
    await run();
    // The server takes it up, then its kubeconfig: a person is no faster.
    return eventually(async () => expect(await shown()).not.toBe(before));
  }
  if (/kubectl get|check/.test(line)) await eventually(run);
  else await run();
}

/** The serial number of what the API server shows. */
const shown = () =>
  shell("one", "openssl s_client -connect 127.0.0.1:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial");

test("every command of docs/join.md and docs/operations.md works", { timeout: 900_000 }, async () => {
  const joining = linesOf("join.md");
  const isLeaving = ({ line }: { line: string }) => /kubectl (drain|delete)/.test(line);
  const before = joining.filter((each) => !isLeaving(each));
  const all = [...before, ...linesOf("operations.md"), ...joining.filter(isLeaving)];
  expect(all.length).toBeGreaterThan(20);
  for (const { machine, line } of all) {
    await carryOut(machine, line);
  }
  // The authorities were replaced: the kubeconfig of the test's beginning is good for nothing any more.
  await eventually(async () => expect(await shell("one", "skiff kubectl get nodes")).not.toContain("two"));
  expect(await nodeTokenOf(on.cluster)).toMatch(/^K10[0-9a-f]{64}::server:/);
});
