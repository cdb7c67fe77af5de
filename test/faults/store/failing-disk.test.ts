import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { noLog } from "../../../src/base/log.ts";
import { StoreUnavailable } from "../../../src/store/contract.ts";
import { openStore } from "../../../src/store/open.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skiff-faults-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const surroundings = { clock: systemClock, log: noLog };

describe("a disk that reports errors", () => {
  let library: string;
  beforeAll(() => {
    library = join(mkdtempSync(join(tmpdir(), "skiff-failing-disk-")), "failing-disk.so");
    const source = join(import.meta.dirname, "failing-disk.c");
    const made = spawnSync("gcc", ["-shared", "-fPIC", "-o", library, source, "-ldl"], { encoding: "utf8" });
    expect(made.stderr).toBe("");
  });
  afterAll(() => rmSync(join(library, ".."), { recursive: true }));

  test.each([
    ["when it is to keep what was written (fsync)", "sync"],
    ["when it is written to", "write"],
  ])("%s: each write is kept or refused with the reason, and all is well when it is", async (_, order) => {
    const [data, orders] = [join(directory, "data"), join(directory, "orders")];
    const writer = spawn(process.execPath, [join(import.meta.dirname, "writer.ts"), data], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, LD_PRELOAD: library, FAILING_DISK: orders },
    });
    /** The last word about each key; how many were kept before, while and after the disk failed. */
    const last = new Map<string, { what: string; revision: number }>();
    const reasons = new Set<string>();
    const revisions: number[] = [];
    const counts = { before: 0, refused: 0, after: 0 };
    for await (const line of createInterface({ input: writer.stdout })) {
      const [, what = "", key = "", rest = ""] = /^(\S+) (\S+)(?: (.*))?$/.exec(line) ?? [];
      if (what === "open") continue;
      if (what === "refused") {
        reasons.add(rest);
        if (++counts.refused === 100) rmSync(orders);
        continue;
      }
      last.set(key, { what, revision: Number(rest) });
      revisions.push(Number(rest));
      if (counts.refused < 100) {
        if (++counts.before === 200) writeFileSync(orders, order);
      } else if (++counts.after === 200) writer.kill("SIGKILL");
    }
    expect([...reasons]).toEqual([
      expect.stringMatching(/the datastore cannot write: the disk of .* reports an error/),
    ]);
    expect(new Set(revisions).size).toBe(revisions.length);
    await using store = await openStore({ kind: "sqlite", directory: data }, surroundings);
    store.verify();
    const differing = [...last].filter(([key, { what, revision }]) =>
      what === "put" ? store.get(key)?.modRevision !== revision : store.get(key) !== undefined,
    );
    // What was under way when the process died may have happened too: one write for each of the writers.
    expect(differing.length).toBeLessThanOrEqual(8);
    for (const [key, { revision }] of differing)
      expect(store.get(key)?.modRevision ?? Number.POSITIVE_INFINITY).toBeGreaterThan(revision);
  });
});

describe("the writer thread's death", () => {
  /** The thread as it is, which ends at an order: before it writes, or when it has written and not answered yet. */
  const mortal = (orders: string) => `
    const { existsSync, readFileSync, unlinkSync } = require("node:fs");
    const { parentPort } = require("node:worker_threads");
    const orders = ${JSON.stringify(orders)};
    const dieIf = (order) => {
      if (!existsSync(orders) || readFileSync(orders, "utf8") !== order) return;
      unlinkSync(orders);
      process.exit(1);
    };
    const [on, post] = [parentPort.on.bind(parentPort), parentPort.postMessage.bind(parentPort)];
    parentPort.on = (name, run) => on(name, (message) => {
      if (message.request.type === "append") dieIf("before");
      return run(message);
    });
    parentPort.postMessage = (...message) => {
      dieIf("after");
      post(...message);
    };
    import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../../src/store/sqlite/writer.worker.ts")).href)});
  `;
  const value = () => Buffer.from("x");

  test.each([
    ["before it wrote", "before"],
    ["when it had written and not answered", "after"],
  ])("%s: the write is refused and taken back, another thread goes on", async (_, order) => {
    const [data, orders] = [join(directory, "data"), join(directory, "orders")];
    const code = { source: mortal(orders), addonFile: "" };
    const store = await openStore({ kind: "sqlite", directory: data, code }, surroundings);
    const first = await store.put("/pods/first", { expected: "absent", value });
    writeFileSync(orders, order);
    const lost = store.put("/pods/lost", { expected: "absent", value });
    await expect(lost).rejects.toThrow(StoreUnavailable);
    await expect(lost).rejects.toThrow(/the datastore cannot write: the writer thread has ended/);
    expect(store.get("/pods/lost")).toBeUndefined();
    const next = await store.put("/pods/next", { expected: "absent", value });
    store.verify();
    await store[Symbol.asyncDispose]();
    await using again = await openStore({ kind: "sqlite", directory: data }, surroundings);
    again.verify();
    expect(again.list("/pods/").entries).toEqual([first, next]);
  });
});
