import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import {
  Compacted,
  DamagedDatabase,
  DatabaseInUse,
  type DurableStore,
  type Entry,
  NewerFormat,
  type Write,
} from "../contract.ts";
import type { HistoryLimits } from "../memory/history.ts";
import { openStore } from "../open.ts";
import { storeContract } from "../testing/contract.ts";
import { anyOperations, ModelStore, perform } from "../testing/model.ts";

const made: string[] = [];
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "skiff-store-"));
  made.push(directory);
  return directory;
}
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

const openIn = (
  directory: string,
  { history, clock = systemClock }: { history?: HistoryLimits | undefined; clock?: typeof systemClock } = {},
) => openStore({ kind: "sqlite", directory, ...(history && { history }) }, { clock, log: noLog });

/** What a power cut at this instant leaves behind, as a new data directory. */
function cutPower(directory: string): string {
  const left = newDirectory();
  cpSync(directory, left, { recursive: true });
  return left;
}

const rowsIn = (directory: string): number => {
  using db = disposable(new Database(join(directory, "state.db")));
  return db.prepare("SELECT count(*) FROM log").pluck().get() as number;
};
const disposable = (db: Database.Database) => Object.assign(db, { [Symbol.dispose]: () => db.close() });
const text = (value: string, durability: Write["durability"] = "commit"): Write => ({
  expected: "any",
  value: () => Buffer.from(value),
  durability,
});
const shown = (entry: Entry | undefined) => entry?.value.toString();

storeContract("sqlite", () => openIn(newDirectory()), { runs: 15 });

describe("sqlite", () => {
  test("a file that is mostly free is written anew at the start, and taken for no other one afterwards", async () => {
    const directory = newDirectory();
    const file = join(directory, "state.db");
    const large = text("x".repeat(100_000));
    const writeMany = (store: DurableStore, count: number) =>
      Promise.all(Array.from({ length: count }, (_, i) => store.put(`/a/${i}`, large)));
    {
      await using store = await openIn(directory, { history: { events: 2, bytes: 1000 } });
      await writeMany(store, 200);
      for (let i = 0; i < 200; i++) await store.delete(`/a/${i}`, text(""));
      // Rows that nobody needs go with the next transaction.
      await store.put("/a/last", text("x"));
    }
    const before = statSync(file).size;
    await using store = await openIn(directory);
    expect(statSync(file).size).toBeLessThan(before / 4);
    for (let turn = 0; turn < 3; turn++) await writeMany(store, 60);
    expect(readdirSync(directory).filter((name) => name.includes("aside"))).toEqual([]);
  });

  test("has every acknowledged write after a power cut, and never hands out a revision twice", async () => {
    const directory = newDirectory();
    await using store = await openIn(directory);
    const last = await store.put("/pods/a", text("1"));
    await store.put("/leases/a", text("1", "memory"));
    await using after = await openIn(cutPower(directory));
    expect(after.get("/pods/a")).toEqual(last);
    expect(after.get("/leases/a")).toBeUndefined();
    expect((await after.put("/pods/b", text("1"))).modRevision).toBeGreaterThan(store.revision);
  });

  test("goes on at the exact revision after a clean stop, with everything there", async () => {
    const directory = newDirectory();
    const store = await openIn(directory);
    const entries = await Promise.all([
      store.put("/pods/a", text("1")),
      store.put("/events/a", text("2", "lazy")),
      store.put("/leases/a", text("3", "memory")),
    ]);
    const { revision } = store;
    await store[Symbol.asyncDispose]();
    await using again = await openIn(directory);
    expect(again.revision).toBe(revision);
    expect(entries.map(({ key }) => again.get(key))).toEqual(entries);
    again.verify();
  });

  test("a watcher resumes over a restart, but not where writes may have been forgotten", async () => {
    const directory = newDirectory();
    await using store = await openIn(directory);
    const begin = await store.put("/pods/a", text("1"));
    await store.put("/leases/a", text("1", "memory"));
    const last = await store.put("/pods/a", text("2"));
    await using after = await openIn(cutPower(directory));
    expect(after.watch("/pods/", begin.modRevision, () => {}).read(10)).toEqual([
      { type: "put", entry: last, previous: begin },
    ]);
    expect(() => after.watch("/leases/", begin.modRevision, () => {})).toThrow(Compacted);
    after.watch("/leases/", after.revision, () => {});
  });

  test("writes lazy values within a minute, and then has nothing more to do", async () => {
    const directory = newDirectory();
    const clock = fakeClock();
    await using store = await openIn(directory, { clock });
    await store.put("/events/a", text("1", "lazy"));
    await store.put("/events/a", text("2", "lazy"));
    await store.put("/leases/a", text("1", "memory"));
    {
      await using after = await openIn(cutPower(directory));
      expect(after.get("/events/a")).toBeUndefined();
    }
    await clock.advance(60_000);
    expect(clock.waiting).toBe(0);
    await store.put("/pods/a", text("1"));
    await using after = await openIn(cutPower(directory));
    expect(shown(after.get("/events/a"))).toBe("2");
    expect(after.get("/leases/a")).toBeUndefined();
  });

  test("a lazy value that was deleted does not come back", async () => {
    const directory = newDirectory();
    const clock = fakeClock();
    await using store = await openIn(directory, { clock });
    await store.put("/events/a", text("1", "lazy"));
    await clock.advance(60_000);
    await store.delete("/events/a", text("2", "lazy"));
    await clock.advance(60_000);
    await store.put("/events/b", text("1"));
    await using after = await openIn(cutPower(directory));
    expect(after.list("/events/").entries.map(({ key }) => key)).toEqual(["/events/b"]);
  });

  test("a bucket whose writes turn lazy keeps no row that could bring an old value back", async () => {
    const directory = newDirectory();
    await using store = await openIn(directory);
    for (const value of ["1", "2", "3"]) await store.put("/pods/a", text(value));
    await store.delete("/pods/a", text("last"));
    await store.put("/pods/b", text("1"));
    await store.put("/pods/c", text("1", "memory"));
    await store.delete("/pods/b", text("last"));
    const left = cutPower(directory);
    {
      await using after = await openIn(left);
      expect(after.list("/pods/").entries).toEqual([]);
    }
    expect(rowsIn(left)).toBe(0);
  });

  test("removes what history and index need no more, and survives a power cut in between", async () => {
    const directory = newDirectory();
    const history = { events: 50, bytes: 1_000_000 };
    const store = await openIn(directory, { history });
    for (let round = 0; round < 40; round++) {
      const keys = Array.from({ length: 50 }, (_, i) => `/pods/${i % 25}`);
      await Promise.all(keys.map((key, i) => store.put(key, text(`${round} ${i}`))));
      if (round % 10 === 0) await Promise.all(keys.slice(0, 20).map((key) => store.delete(key, text("last"))));
    }
    const left = cutPower(directory);
    const now = store.list("/pods/").entries;
    await store[Symbol.asyncDispose]();
    // The current ones, the history, and a batch of removals that has not come together yet.
    expect(rowsIn(directory)).toBeLessThanOrEqual(25 + 50 + 256);
    for (const place of [directory, left]) {
      await using after = await openIn(place, { history });
      expect(after.list("/pods/").entries).toEqual(now);
      after.verify();
    }
  });

  test("the file does not grow with the number of writes", async () => {
    const directory = newDirectory();
    await using store = await openIn(directory, { history: { events: 100, bytes: 1_000_000 } });
    const churn = async () => {
      for (let round = 0; round < 40; round++) {
        const value = () => Buffer.alloc(2000, round);
        await Promise.all(Array.from({ length: 50 }, (_, i) => store.put(`/pods/${i}`, { expected: "any", value })));
      }
    };
    await churn();
    await churn();
    const size = statSync(join(directory, "state.db")).size;
    await churn();
    await churn();
    expect(statSync(join(directory, "state.db")).size).toBeLessThanOrEqual(size * 1.25);
  });

  test.each<[length: string, history: HistoryLimits | undefined]>([
    ["everything", undefined],
    ["four events", { events: 4, bytes: 1_000_000 }],
  ])(
    "is a plain map with a list of events over clean stops and power cuts; the history holds %s",
    async (_, history) => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(anyOperations, fc.boolean()), { maxLength: 4 }), async (lives) => {
          let directory = newDirectory();
          let store: DurableStore = await openIn(directory, { history });
          const model = new ModelStore(store.revision);
          for (const [operations, isClean] of lives) {
            for (const some of operations) {
              await perform(
                some.map((one) => ({ ...one, durability: "commit" })),
                store,
                model,
              );
            }
            const left = isClean ? directory : cutPower(directory);
            await store[Symbol.asyncDispose]();
            store = await openIn(left, { history });
            directory = left;
            store.verify();
            model.compare(store, { revision: store.revision, history: history?.events });
          }
          await store[Symbol.asyncDispose]();
        }),
        { numRuns: 10 },
      );
    },
  );

  test("lazy and memory writes may be lost in a power cut, but only whole and only the newest", async () => {
    await fc.assert(
      fc.asyncProperty(anyOperations, async (operations) => {
        const directory = newDirectory();
        await using store = await openIn(directory);
        const model = new ModelStore(store.revision);
        for (const some of operations) await perform(some, store, model);
        await using after = await openIn(cutPower(directory));
        after.verify();
        const kept = new Set(
          model.events.filter(({ durability }) => durability === "commit").map((event) => event.key),
        );
        for (const key of kept) {
          const states = model.events.filter((event) => event.key === key);
          const lastKept = states.findLastIndex(({ durability }) => durability === "commit");
          const possible = states.slice(lastKept).map(({ type, value }) => (type === "put" ? value : undefined));
          expect(possible).toContain(shown(after.get(key)));
        }
        expect(after.revision).toBeGreaterThan(store.revision);
      }),
      { numRuns: 10 },
    );
  });

  test("copies itself while it is written to", async () => {
    const directory = newDirectory();
    await using store = await openIn(directory);
    const before = await Promise.all(Array.from({ length: 500 }, (_, i) => store.put(`/pods/${i}`, text(`${i}`))));
    const target = newDirectory();
    const writing = Promise.all(Array.from({ length: 500 }, (_, i) => store.put(`/nodes/${i}`, text(`${i}`))));
    await store.backup(join(target, "state.db"));
    await writing;
    expect(statSync(join(target, "state.db")).mode & 0o777).toBe(0o600);
    await using copy = await openIn(target);
    expect(copy.count("/pods/")).toBe(before.length);
    copy.verify();
    await expect(store.backup(join(target, "state.db"))).rejects.toThrow("EEXIST");
  });

  test("only its owner may read it", async () => {
    const directory = join(newDirectory(), "db");
    await using store = await openIn(directory);
    await store.put("/secrets/a", text("1"));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of ["state.db", "state.db-wal"]) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  test("two cannot be open in one directory", async () => {
    const directory = newDirectory();
    await using store = await openIn(directory);
    await expect(openIn(directory)).rejects.toThrow(DatabaseInUse);
    await store.put("/pods/a", text("1"));
  });

  test("what cannot be opened is named, with what to do", async () => {
    const closed = async () => {
      const directory = newDirectory();
      const store = await openIn(directory);
      for (let i = 0; i < 200; i++) await store.put(`/pods/${i}`, text(`${i}-value-`.repeat(50)));
      await store[Symbol.asyncDispose]();
      return { directory, file: join(directory, "state.db") };
    };
    const foreign = newDirectory();
    writeFileSync(join(foreign, "state.db"), "This is not a database. ".repeat(400));
    await expect(openIn(foreign)).rejects.toThrow(/is not a database: .*put a good copy/);

    const newer = await closed();
    using db = disposable(new Database(newer.file));
    db.pragma("user_version = 99");
    db.close();
    await expect(openIn(newer.directory)).rejects.toThrow(NewerFormat);

    const flipped = await closed();
    const bytes = readFileSync(flipped.file);
    for (let at = bytes.indexOf("-value-"); at >= 0; at = bytes.indexOf("-value-", at + 1)) bytes[at] = 0x20;
    writeFileSync(flipped.file, bytes);
    await expect(openIn(flipped.directory)).rejects.toThrow(/damaged: what is there of .* is not what was written/);

    const torn = await closed();
    writeFileSync(torn.file, readFileSync(torn.file).subarray(0, 30_000));
    await expect(openIn(torn.directory)).rejects.toThrow(DamagedDatabase);
  });
});
