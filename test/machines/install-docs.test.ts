import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { kubectlPath } from "../support/kubectl.ts";
import { type ReleaseHost, releaseHost } from "../support/release-host.ts";
import { type SystemdMachine, type SystemdMachines, systemdMachines } from "../support/systemd-machine.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/install.md"), "utf8");
/** The blocks of commands in their order, with the machine on which they are run. */
const blocks = [...page.matchAll(/^```sh (\w+)\n(.*?)^```$/gms)].map(([, machine = "", script = ""]) => ({
  machine,
  script,
}));

let machines: SystemdMachines;
let host: ReleaseHost;
const made = new Map<string, SystemdMachine>();
beforeAll(async () => {
  machines = await systemdMachines();
  host = await releaseHost(machines.lan.hostAddress);
  host.add("v0.9.1", "latest");
}, 600_000);
afterAll(async () => {
  await host?.[Symbol.asyncDispose]();
  await machines?.[Symbol.asyncDispose]();
}, 600_000);

async function machineCalled(name: string): Promise<SystemdMachine> {
  const there = made.get(name);
  if (there) return there;
  const machine = await machines.machine(name);
  await machine.put(await kubectlPath(), "/usr/local/bin/kubectl");
  made.set(name, machine);
  return machine;
}

test("every command of docs/install.md works, in the order of the page", { timeout: 900_000 }, async () => {
  expect(blocks.length).toBeGreaterThan(8);
  for (const { machine: name, script } of blocks) {
    const machine = await machineCalled(name);
    const first = made.get("first") ?? machine;
    if (name === "third") {
      const [version, program] = [host.version, `skiff-${process.arch}`];
      const files = ["install.sh", `${version}/${program}`, `${version}/sha256sums.txt`];
      await machine.sh(`cd /root; for file in ${files.join(" ")}; do curl -sfLO ${host.url}/$file || exit 1; done`);
    }
    const token = script.includes("TOKEN") ? (await first.sh("cat /var/lib/skiff/server/node-token")).trim() : "";
    const real = script
      .replaceAll("https://skiff.example", host.url)
      .replaceAll("192.0.2.1", first.address)
      .replaceAll("SKIFF_TOKEN=TOKEN", `SKIFF_TOKEN=${token}`)
      .replaceAll("v0.1.0", host.version)
      .replaceAll("skiff-x64", `skiff-${process.arch}`);
    await machine.sh(`set -e\n${real}`, { limitMs: 300_000 });
  }
  const first = await machineCalled("first");
  await eventually(async () =>
    expect(await first.sh("skiff kubectl get nodes --no-headers")).toMatch(/^first +Ready +control-plane/m),
  );
  expect(await (await machineCalled("third")).sh("skiff ready")).toBe("Ready: third\n");
});
