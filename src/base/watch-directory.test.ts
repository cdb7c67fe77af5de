import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { noLog } from "./log.ts";
import { fakeClock } from "./testing/fake-clock.ts";
import { type DirectoryWatch, watchDirectory } from "./watch-directory.ts";

let parent: string;
let directory: string;
let changes = 0;
let watching: Disposable | undefined;

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), "skiff-watch-"));
  directory = join(parent, "watched");
  await mkdir(directory);
  changes = 0;
});
afterEach(() => {
  watching?.[Symbol.dispose]();
  rmSync(parent, { recursive: true });
});

function follow(options: Partial<DirectoryWatch> = {}): void {
  watching = watchDirectory({ directory, quietMs: 10, clock: systemClock, log: noLog, ...options }, () => {
    changes++;
  });
}
const write = (name: string, text: string) => writeFileSync(join(directory, name), text);

describe("a directory that is watched", () => {
  test("tells of what happens in it, once it is quiet again", async () => {
    const clock = fakeClock();
    follow({ clock });
    write("a", "1");
    await vi.waitFor(() => expect(clock.waiting).toBe(1));
    write("a", "2");
    expect(changes).toBe(0);
    await clock.advance(10);
    await vi.waitFor(async () => {
      await clock.advance(10);
      expect(changes).toBeGreaterThan(0);
    });
  });

  test("tells of one file only where no other matters", async () => {
    const [mine, all] = [fakeClock(), fakeClock()];
    follow({ only: "mine", clock: mine });
    using _ = watchDirectory({ directory, quietMs: 10, clock: all, log: noLog }, () => {});
    write("other", "1");
    await vi.waitFor(() => expect(all.waiting).toBe(1));
    expect(mine.waiting).toBe(0);
    write("mine", "1");
    await vi.waitFor(() => expect(mine.waiting).toBe(1));
    await mine.advance(10);
    expect(changes).toBe(1);
  });

  test("is followed again when it was taken away and made anew", async () => {
    const clock = fakeClock();
    follow({ clock });
    await rm(directory, { recursive: true });
    // It tells of its end, is not there any more, and is looked for once a minute.
    await vi.waitFor(() => expect(clock.waiting).toBe(2));
    await clock.advance(1_000);
    await mkdir(directory);
    await clock.advance(60_000);
    const before = changes;
    write("a", "1");
    await vi.waitFor(async () => {
      await clock.advance(10);
      expect(changes).toBeGreaterThan(before);
    });
  });

  test("that is not there counts as changed once a minute; disposed of it keeps silent", async () => {
    const clock = fakeClock();
    follow({ clock, directory: join(parent, "nowhere") });
    await clock.advance(60_010);
    await clock.advance(60_010);
    expect(changes).toBe(2);
    watching?.[Symbol.dispose]();
    expect(clock.waiting).toBe(0);
  });
});
