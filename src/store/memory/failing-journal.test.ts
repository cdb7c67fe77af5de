import { beforeEach, describe, expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { type FakeClock, fakeClock } from "../../base/testing/fake-clock.ts";
import { RevisionConflict, StoreUnavailable, type Write } from "../contract.ts";
import type { Journal, Transaction } from "./journal.ts";
import { MemoryStore } from "./store.ts";

const text = (value: string, durability: Write["durability"] = "commit"): Write => ({
  expected: "any",
  value: () => Buffer.from(value),
  durability,
});

describe("a store whose disk fails", () => {
  let transactions: Transaction[];
  let broken: boolean;
  let clock: FakeClock;
  let store: MemoryStore;
  const journal: Journal = {
    async append(transaction) {
      transactions.push(transaction);
      await new Promise((written) => setImmediate(written));
      if (broken) throw new Error("no space is left");
    },
    async [Symbol.asyncDispose]() {},
  };

  beforeEach(async () => {
    [transactions, broken, clock] = [[], false, fakeClock()];
    store = new MemoryStore({ journal, clock, log: noLog });
    await store.recover({ mark: 0, clean: true, buckets: [], rows: (async function* () {})() });
  });

  test("refuses what was under way and what was decided since, and keeps nothing of it", async () => {
    const kept = await store.put("/pods/a", text("1"));
    broken = true;
    const underWay = store.put("/pods/a", text("2"));
    await new Promise((sent) => setImmediate(sent));
    const queued = [store.put("/pods/a", text("3")), store.put("/leases/a", text("1", "memory"))];
    const decided = store.latest("/pods/a")!;
    for (const write of [underWay, ...queued]) await expect(write).rejects.toThrow(StoreUnavailable);
    await expect(underWay).rejects.toThrow("the datastore cannot write: no space is left");
    await expect(store.committed(decided)).rejects.toThrow(StoreUnavailable);
    expect([store.get("/pods/a"), store.latest("/pods/a")]).toEqual([kept, kept]);
    expect(store.get("/leases/a")).toBeUndefined();
    expect(store.revision).toBe(kept.modRevision);
    store.verify();
  });

  test("takes writes that need no disk, also those that went with one that does", async () => {
    const first = await store.put("/leases/a", text("1", "memory"));
    broken = true;
    const refused = store.put("/pods/a", text("1"));
    const together = store.put("/leases/a", text("2", "memory"));
    await new Promise((sent) => setImmediate(sent));
    const meanwhile = store.put("/leases/b", text("1", "memory"));
    const stale = store.put("/leases/a", { ...text("3", "memory"), expected: first.modRevision });
    await expect(stale).rejects.toThrow(RevisionConflict);
    await expect(refused).rejects.toThrow(StoreUnavailable);
    expect([await together, await meanwhile]).toEqual([store.get("/leases/a"), store.get("/leases/b")]);
    expect(store.get("/leases/a")!.value.toString()).toBe("2");
    expect(store.get("/pods/a")).toBeUndefined();
    store.verify();
  });

  test("takes writes again afterwards, at revisions of their own, and takes back what the disk may have kept", async () => {
    broken = true;
    await expect(store.put("/pods/a", text("1"))).rejects.toThrow(StoreUnavailable);
    const refused = transactions.at(-1)!.rows[0]!.entry.modRevision;
    broken = false;
    const entry = await store.put("/pods/a", text("2"));
    expect(entry.modRevision).toBeGreaterThan(refused);
    expect(transactions.at(-1)).toMatchObject({ removed: [refused], rows: [{ entry }] });
    await store.put("/pods/b", text("1"));
    expect(transactions.at(-1)!.removed).toEqual([]);
    store.verify();
  });

  test("keeps lazy values in memory, refuses nobody for them, and tries again a minute later", async () => {
    const entry = await store.put("/events/a", text("1", "lazy"));
    broken = true;
    await clock.advance(60_000);
    expect(transactions.at(-1)!.rows).toMatchObject([{ entry }]);
    expect(store.get("/events/a")).toBe(entry);
    broken = false;
    await clock.advance(60_000);
    expect(transactions.at(-1)).toMatchObject({ removed: [entry.modRevision], rows: [{ entry }] });
    const { length } = transactions;
    await clock.advance(600_000);
    expect([transactions.length, clock.waiting]).toEqual([length, 0]);
    store.verify();
  });

  test("memory writes alone touch no disk, and neither does being idle", async () => {
    await store.put("/leases/a", text("0", "memory"));
    const { length } = transactions;
    for (let i = 1; i < 100; i++) await store.put("/leases/a", text(`${i}`, "memory"));
    await clock.advance(600_000);
    expect([transactions.length, clock.waiting]).toEqual([length, 0]);
  });

  test("memory writes of a bucket that was named need no disk, not even the first one", async () => {
    const named = new MemoryStore({ journal, clock, log: noLog, volatileBuckets: ["leases"] });
    const entry = { key: "/leases/a", value: Buffer.from("0"), createRevision: 7, modRevision: 7 };
    const rows = (async function* () {
      yield [{ type: "put" as const, entry }];
    })();
    await named.recover({ mark: 10, clean: true, buckets: [], rows });
    expect(transactions.at(-1)).toMatchObject({ buckets: [{ name: "leases", volatile: true }] });
    broken = true;
    const { length } = transactions;
    const renewed = await named.put("/leases/a", text("1", "memory"));
    expect([transactions.length, named.get("/leases/a")]).toEqual([length, renewed]);
    named.verify();
    // At a clean stop what is newest takes the place of what was there.
    broken = false;
    await named[Symbol.asyncDispose]();
    expect(transactions.at(-1)).toMatchObject({ removed: [7], rows: [{ entry: renewed }], clean: true });
  });

  test("is opened and read when the disk takes nothing at all, and written to when it does", async () => {
    broken = true;
    const entry = { key: "/pods/a", value: Buffer.from("1"), createRevision: 7, modRevision: 7 };
    const rows = (async function* () {
      yield [{ type: "put" as const, entry }];
    })();
    const full = new MemoryStore({ journal, clock, log: noLog, volatileBuckets: ["leases"] });
    await full.recover({ mark: 10, clean: false, buckets: [], rows });
    expect(full.get("/pods/a")).toEqual(entry);
    // No revision may be handed out that is not reserved on the disk, not even for what is held in memory.
    await expect(full.put("/leases/a", text("1", "memory"))).rejects.toThrow(StoreUnavailable);
    await expect(full.put("/pods/a", text("2"))).rejects.toThrow(StoreUnavailable);
    full.verify();
    broken = false;
    const after = await full.put("/leases/a", text("2", "memory"));
    expect(transactions.at(-1)?.mark).toBeGreaterThan(after.modRevision);
    full.verify();
  });

  test("revisions used up by memory writes are reserved on disk before anyone sees them", async () => {
    const small = new MemoryStore({ journal, clock, log: noLog, revisionsAhead: 10 });
    await small.recover({ mark: 100, clean: false, buckets: [], rows: (async function* () {})() });
    const marks = () => transactions.flatMap(({ mark }) => mark ?? []);
    for (let i = 0; i < 100; i++) {
      await small.put("/leases/a", text(`${i}`, "memory"));
      expect(marks().at(-1)).toBeGreaterThanOrEqual(small.revision);
    }
    expect(marks().length).toBeLessThan(30);
  });
});
