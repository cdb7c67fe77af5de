import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { noLog } from "../../../src/base/log.ts";
import { StoreUnavailable } from "../../../src/store/contract.ts";
import { openStore } from "../../../src/store/open.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skiff-faults-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (place: string) => openStore({ kind: "sqlite", directory: place }, { clock: systemClock, log: noLog });

describe("kill -9 while writing", () => {
  /** Lets the writer work until it has acknowledged so many writes, and kills it then. Every line that it printed. */
  async function writeAndKill(acknowledgements: number): Promise<string[]> {
    const program = join(import.meta.dirname, "writer.ts");
    const writer = spawn(process.execPath, [program, directory], { stdio: ["ignore", "pipe", "inherit"] });
    const lines: string[] = [];
    for await (const line of createInterface({ input: writer.stdout })) {
      lines.push(line);
      if (lines.length === acknowledgements) writer.kill("SIGKILL");
    }
    return lines;
  }

  test("every acknowledged write is there, and no revision is handed out twice", async () => {
    const known = new Map<string, { type: string; revision: number }>();
    let newest = 0;
    for (let life = 0; life < 12; life++) {
      const [opened = "", ...writes] = await writeAndKill(50 + Math.floor(Math.random() * 1000));
      expect(Number(opened.split(" ")[1])).toBeGreaterThanOrEqual(newest);
      const revisions: number[] = [];
      for (const line of writes) {
        const [type = "", key = "", revision = ""] = line.split(" ");
        revisions.push(Number(revision));
        if (Number(revision) > (known.get(key)?.revision ?? 0)) known.set(key, { type, revision: Number(revision) });
      }
      expect(Math.min(...revisions)).toBeGreaterThan(newest);
      expect(new Set(revisions).size).toBe(revisions.length);
      newest = Math.max(...revisions);

      await using store = await open(directory);
      store.verify();
      expect(store.revision).toBeGreaterThanOrEqual(newest);
      const differing = [...known].filter(([key, { type, revision }]) => {
        const entry = store.get(key);
        if (entry) expect(entry.modRevision).toBeGreaterThanOrEqual(revision);
        if (entry) expect(entry.value.toString().split("-")[0]).toBe(String(entry.modRevision));
        return type === "put" ? entry?.modRevision !== revision : entry !== undefined;
      });
      // What was under way when the process died may have happened too: one write for each of the writers.
      expect(differing.length).toBeLessThanOrEqual(8);
      for (const [key] of differing) {
        const entry = store.get(key);
        known.set(key, { type: entry ? "put" : "delete", revision: entry?.modRevision ?? 0 });
      }
    }
  });
});

describe("a full disk", () => {
  let disk: string;
  beforeEach(() => {
    disk = join(directory, "disk");
    mkdirSync(disk);
    const image = join(directory, "image");
    run("truncate", "-s", "8M", image);
    run("mkfs.ext4", "-q", "-F", "-m", "0", image);
    run("mount", "-o", "loop", image, disk);
  });
  afterEach(() => run("umount", disk));

  test("refuses writes with the reason, keeps what was acknowledged, and takes writes again when there is room", async () => {
    const place = join(disk, "db");
    const store = await open(place);
    const value = () => Buffer.alloc(20_000, "x");
    const kept = [await store.put("/pods/first", { expected: "any", value })];
    writeFileSync(join(disk, "ballast"), Buffer.alloc(3 << 20));
    const refusal = await fillUp(async (i) => {
      kept.push(await store.put(`/pods/${i}`, { expected: "any", value }));
    });
    expect(refusal).toBeInstanceOf(StoreUnavailable);
    expect(String(refusal)).toContain("no space is left on the disk");
    store.verify();
    expect(store.count("/pods/")).toBe(kept.length);

    rmSync(join(disk, "ballast"));
    const after = await store.put("/pods/after", { expected: "absent", value });
    expect(after.modRevision).toBeGreaterThan(kept.at(-1)!.modRevision);
    await store[Symbol.asyncDispose]();
    await using again = await open(place);
    for (const entry of [...kept, after]) expect(again.get(entry.key)).toEqual(entry);
    again.verify();
  });
});

async function fillUp(write: (i: number) => Promise<void>): Promise<unknown> {
  for (let i = 0; i < 10_000; i++) {
    try {
      await write(i);
    } catch (error) {
      return error;
    }
  }
  return undefined;
}

function run(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}
