import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { openServiceManager } from "./service-manager.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "skiff-notify-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A program that writes down what it is told. */
async function recorder(): Promise<string> {
  const program = join(folder, "notify");
  writeFileSync(program, `#!/bin/sh\nexec cat >${folder}/told\n`);
  chmodSync(program, 0o755);
  return program;
}
const told = () => readFileSync(join(folder, "told"), "utf8").split("\0").filter(Boolean);

test("signs of life come three times within the limit, until it is disposed of", async () => {
  const clock = fakeClock();
  const env = { ...process.env, NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "180000000" };
  const manager = await openServiceManager({ env, program: recorder, clock, log: noLog });
  manager.ready("node shelf is Ready");
  await clock.advance(120_000);
  manager.stopping();
  manager[Symbol.dispose]();
  await clock.advance(120_000);
  await vi.waitFor(() =>
    expect(told()).toEqual([
      "WATCHDOG=1",
      "READY=1\nSTATUS=node shelf is Ready",
      "WATCHDOG=1",
      "WATCHDOG=1",
      "STOPPING=1\nSTATUS=stopping; containers go on running",
    ]),
  );
});

test("a watchdog that waits for another process is not fed", async () => {
  const env = { ...process.env, NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "1000000", WATCHDOG_PID: "1" };
  const clock = fakeClock();
  using manager = await openServiceManager({ env, program: recorder, clock, log: noLog });
  await clock.advance(5_000);
  manager.ready("");
  await vi.waitFor(() => expect(told()).toEqual(["READY=1\nSTATUS="]));
});

test("without a service manager no program is started", async () => {
  const program = vi.fn(recorder);
  using manager = await openServiceManager({ env: {}, program, clock: fakeClock(), log: noLog });
  manager.ready("");
  expect(program).not.toHaveBeenCalled();
});
