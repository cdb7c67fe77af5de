import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cgroups } from "./cgroups.ts";
import type { Intended } from "./check.ts";
import { clock } from "./clock.ts";
import { cluster } from "./cluster.ts";
import { diskSpace, diskSpeed, memory } from "./disk.ts";
import { apiPort } from "./ports.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "skiff-device-"))));
afterEach(() => rmSync(root, { recursive: true }));

/** A device whose files these are. */
function deviceWith(files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root, nowMs: Date.now() };
}
const server: Intended = {
  dataDirectory: "/var/lib/skiff",
  listen: { address: "127.0.0.1", port: 6443 },
  agent: { runtimeEndpoint: "/run/docker.sock", networkBackend: "vxlan" },
};
const version1 = (memoryEnabled: number) =>
  `#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t9\t1\nmemory\t4\t9\t${memoryEnabled}\npids\t5\t9\t1\n`;

describe("cgroups", () => {
  test.each<[name: string, files: Record<string, string>, state: string, todo: string]>([
    [
      "cgroup v2 with all that limits need",
      { "sys/fs/cgroup/cgroup.controllers": "cpuset cpu memory pids\n" },
      "ok",
      "",
    ],
    ["cgroup v1 with memory", { "proc/cgroups": version1(1) }, "ok", ""],
    [
      "a Raspberry Pi as it comes",
      {
        "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n",
        "boot/firmware/cmdline.txt": "console=tty1 rootwait\n",
      },
      "problem",
      "add cgroup_memory=1 cgroup_enable=memory to the end of the one line in /boot/firmware/cmdline.txt, then reboot",
    ],
    [
      "an older Raspberry Pi OS with half of it",
      { "proc/cgroups": version1(0), "boot/cmdline.txt": "console=tty1 cgroup_memory=1\n" },
      "problem",
      "add cgroup_enable=memory to the end of the one line in /boot/cmdline.txt, then reboot",
    ],
    [
      "a Raspberry Pi that was not rebooted yet",
      { "proc/cgroups": version1(0), "boot/cmdline.txt": "cgroup_memory=1 cgroup_enable=memory\n" },
      "problem",
      "/boot/cmdline.txt asks for it already: reboot",
    ],
    ["a PC without", { "proc/cgroups": version1(0) }, "problem", "start it with cgroup_memory=1 cgroup_enable=memory"],
    [
      "a kernel without the other two",
      { "sys/fs/cgroup/cgroup.controllers": "memory\n" },
      "warning",
      "no cpu and pids cgroup",
    ],
  ])("%s", async (_, files, state, todo) => {
    const finding = await cgroups.look(server, deviceWith(files));
    expect(finding.state).toBe(state);
    expect(finding.todo ?? "").toContain(todo);
  });
});

test("little memory is said, with what a server and a node should have", async () => {
  const device = deviceWith({ "proc/meminfo": "MemTotal: 300000 kB\nMemAvailable: 200000 kB\n" });
  expect(await memory.look(server, device)).toMatchObject({
    state: "warning",
    found: "300 MB, of which 200 MB are free",
  });
  expect((await memory.look({ dataDirectory: "/" }, device)).state).toBe("ok");
});

test("a clock in the past is said", async () => {
  expect((await clock.look(server, { root, nowMs: Date.now() })).state).toBe("ok");
  expect(await clock.look(server, { root, nowMs: 0 })).toMatchObject({
    state: "warning",
    found: "1970-01-01 00:00 UTC",
  });
});

test("the disk is looked at where the data will lie, though the directory is not there yet", async () => {
  const intended = { dataDirectory: join(root, "not/yet/there") };
  expect((await diskSpace.look(intended, deviceWith({}))).found).toContain(`free in ${root}`);
  expect((await diskSpeed.look(intended, deviceWith({}))).found).toMatch(/^[\d.]+ ms for a write/);
});

test("an agent needs a token until it is a member, and hears where no server answers", async () => {
  const join = { server: "https://127.0.0.1:9", hasToken: false };
  const dataDirectory = root;
  const device = deviceWith({});
  expect((await cluster.look({ dataDirectory, join }, device)).todo).toContain("has no token: give --token");
  const waiting = { state: "warning", found: "https://127.0.0.1:9 does not answer" };
  expect(await cluster.look({ dataDirectory, join: { ...join, hasToken: true } }, device)).toMatchObject(waiting);
  deviceWith({ "agent/membership.json": "{}" });
  expect(await cluster.look({ dataDirectory, join }, device)).toMatchObject(waiting);
});

test("a port that is taken is named with the program that has it; skiff's own is its own", async () => {
  // An address of its own: nobody else is given its ports meanwhile.
  const address = "127.77.0.1";
  const listening = `require('net').createServer().listen(0,'${address}',function(){console.log(this.address().port)})`;
  const other = spawn(process.execPath, ["-e", listening], { stdio: ["ignore", "pipe", "ignore"] });
  const [text] = await once(other.stdout, "data");
  const look = (port: number) => apiPort.look({ dataDirectory: root, listen: { address, port } }, deviceWith({}));
  const port = Number(text);
  expect((await look(port)).todo).toBe(
    `${address}:${port} is in use by ${basename(process.execPath)}: stop it, or choose another port with --https-listen-port`,
  );
  other.kill();
  await once(other, "exit");
  expect(await look(port)).toEqual({ state: "ok", found: `${port} is free` });

  const own = createServer();
  await new Promise<void>((done) => own.listen(port, address, done));
  expect(await look(port)).toEqual({ state: "ok", found: `${port} is skiff's, which runs` });
  await new Promise((done) => own.close(done));
});
