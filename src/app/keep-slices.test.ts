import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { noLog } from "../base/log.ts";
import { keepSlices } from "./keep-slices.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skiff-units-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("systemd is told once to leave pods' slices alone", async () => {
  const reload = vi.fn(async () => {});
  for (let start = 0; start < 2; start++) await keepSlices("systemd", { log: noLog, folder, reload });
  expect(readdirSync(folder).sort()).toEqual(["kubepods-.slice.d", "kubepods.slice.d"]);
  expect(reload).toHaveBeenCalledTimes(1);
});

test.each([
  ["Docker makes no slices", "cgroupfs", true],
  ["there is no systemd", "systemd", false],
])("nothing is written where %s", async (_, driver, systemd) => {
  if (!systemd) rmSync(folder, { recursive: true });
  const reload = vi.fn(async () => {});
  await keepSlices(driver, { log: noLog, folder, reload });
  expect([existsSync(folder) && readdirSync(folder).length > 0, reload.mock.calls]).toEqual([false, []]);
});
