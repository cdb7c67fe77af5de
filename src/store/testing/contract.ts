import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Compacted, type Entry, FutureRevision, RevisionConflict, type Store, type Write } from "../contract.ts";
import { anyOperations, ModelStore, perform } from "./model.ts";

const bytes = (text: string): Write["value"] => {
  return () => Buffer.from(text);
};
const create = (text: string): Write => ({ expected: "absent", value: bytes(text) });
const replace = (old: Entry, text: string): Write => ({ expected: old.modRevision, value: bytes(text) });
const always = (text: string): Write => ({ expected: "any", value: bytes(text) });
const keysOf = (entries: readonly Entry[]): string[] => entries.map(({ key }) => key);
const shown = (entries: readonly Entry[]): Record<string, string> =>
  Object.fromEntries(entries.map(({ key, value }) => [key, value.toString()]));

/** The suite that every implementation passes. `open` makes an empty store. */
export function storeContract(name: string, open: () => Promise<Store>, { runs = 60 } = {}): void {
  describe(`${name} keeps the store contract`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => {
      store.verify();
      await store[Symbol.asyncDispose]();
    });

    describe("writes", () => {
      test("a created key is read back with its revisions", async () => {
        const entry = await store.put("/pods/a", create("1"));
        expect(entry).toMatchObject({ key: "/pods/a", createRevision: entry.modRevision });
        expect(store.get("/pods/a")).toBe(entry);
        expect(store.revision).toBe(entry.modRevision);
      });

      test("an update keeps the create revision and has a newer one of its own", async () => {
        const first = await store.put("/pods/a", create("1"));
        const second = await store.put("/pods/a", replace(first, "2"));
        expect(second.createRevision).toBe(first.createRevision);
        expect(second.modRevision).toBeGreaterThan(first.modRevision);
      });

      test("are counted: the store knows how many bytes its newest values have", async () => {
        expect(store.bytes).toBe(0);
        const first = await store.put("/pods/a", { expected: "any", value: () => Buffer.alloc(1000) });
        await store.put("/nodes/b", { expected: "any", value: () => Buffer.alloc(20) });
        expect(store.bytes).toBe(1020);
        await store.put("/pods/a", { expected: first.modRevision, value: () => Buffer.alloc(300) });
        expect(store.bytes).toBe(320);
        await store.delete("/pods/a", { expected: "any", value: () => Buffer.alloc(300) });
        expect(store.bytes).toBe(20);
      });

      test("a key made again after its deletion starts a new life", async () => {
        const first = await store.put("/pods/a", create("1"));
        await store.delete("/pods/a", replace(first, "1"));
        expect(store.get("/pods/a")).toBeUndefined();
        const second = await store.put("/pods/a", create("2"));
        expect(second.createRevision).toBe(second.modRevision);
      });

      test("the value is made with the revision that it will have", async () => {
        const entry = await store.put("/pods/a", { expected: "any", value: (revision) => Buffer.from(`${revision}`) });
        expect(entry.value.toString()).toBe(`${entry.modRevision}`);
      });

      test("refuses an update at a revision that is no longer the newest", async () => {
        const first = await store.put("/pods/a", create("1"));
        const second = await store.put("/pods/a", replace(first, "2"));
        const refused = store.put("/pods/a", replace(first, "3"));
        await expect(refused).rejects.toThrow(RevisionConflict);
        await expect(refused).rejects.toMatchObject({ current: second });
      });

      test("refuses to create what is there, and to delete what is not", async () => {
        await store.put("/pods/a", create("1"));
        await expect(store.put("/pods/a", create("2"))).rejects.toThrow(RevisionConflict);
        await expect(store.delete("/pods/b", always("1"))).rejects.toThrow(RevisionConflict);
        await expect(store.put("/pods/b", { expected: 7, value: bytes("1") })).rejects.toMatchObject({
          current: undefined,
        });
      });

      test("a refused write makes no value and takes no revision", async () => {
        const entry = await store.put("/pods/a", create("1"));
        const value = () => expect.fail("the value was made");
        await expect(store.put("/pods/a", { expected: "absent", value })).rejects.toThrow(RevisionConflict);
        expect(store.revision).toBe(entry.modRevision);
      });

      test("are decided at once: of two updates of one revision the first wins", async () => {
        const first = await store.put("/pods/a", create("1"));
        const winner = store.put("/pods/a", replace(first, "2"));
        const loser = store.put("/pods/a", replace(first, "3"));
        await expect(loser).rejects.toThrow(RevisionConflict);
        expect((await winner).value.toString()).toBe("2");
      });

      test("are seen by the next writer before, and by readers only after they are committed", async () => {
        const writing = store.put("/pods/a", create("1"));
        expect(store.get("/pods/a")).toBeUndefined();
        const latest = store.latest("/pods/a");
        expect(latest?.value.toString()).toBe("1");
        await store.committed(latest!);
        expect(store.get("/pods/a")).toBe(await writing);
        await store.committed(latest!);
      });

      test("a deletion under way leaves nothing for the next writer", async () => {
        const first = await store.put("/pods/a", create("1"));
        const deleting = store.delete("/pods/a", replace(first, "last"));
        expect(store.latest("/pods/a")).toBeUndefined();
        await store.settled("/pods/a");
        expect(store.get("/pods/a")).toBeUndefined();
        const again = await store.put("/pods/a", create("2"));
        expect(again.createRevision).toBeGreaterThan((await deleting).modRevision);
      });

      test.each(["commit", "lazy", "memory"] as const)(
        "a %s write can be read as soon as it resolves",
        async (durability) => {
          const entry = await store.put("/leases/a", { ...create("1"), durability });
          expect(store.get("/leases/a")).toBe(entry);
        },
      );

      test("many at once get revisions in the order they were asked for", async () => {
        const entries = await Promise.all(
          Array.from({ length: 100 }, (_, i) =>
            store.put(`/pods/${i}`, { ...create(`${i}`), durability: (["commit", "lazy", "memory"] as const)[i % 3]! }),
          ),
        );
        const revisions = entries.map(({ modRevision }) => modRevision);
        expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
        expect(new Set(revisions).size).toBe(100);
      });

      test("an error while making the value is the writer's, and harms nobody", async () => {
        const broken = store.put("/pods/a", {
          expected: "any",
          value: () => {
            throw new Error("cannot be encoded");
          },
        });
        await expect(broken).rejects.toThrow("cannot be encoded");
        expect(store.latest("/pods/a")).toBeUndefined();
        await store.put("/pods/a", create("1"));
      });
    });

    describe("lists", () => {
      test("hold the keys with the prefix, in order", async () => {
        for (const key of ["/pods/b/1", "/pods/a/2", "/pods/a/1", "/pods/ab/1", "/nodes/a/1"])
          await store.put(key, create(key));
        expect(keysOf(store.list("/pods/").entries)).toEqual(["/pods/a/1", "/pods/a/2", "/pods/ab/1", "/pods/b/1"]);
        expect(keysOf(store.list("/pods/a/").entries)).toEqual(["/pods/a/1", "/pods/a/2"]);
        expect(keysOf(store.list("/services/").entries)).toEqual([]);
        expect([store.count("/pods/"), store.count("/pods/a/"), store.count("/services/")]).toEqual([4, 2, 0]);
      });

      test("come in pages that say how much is left", async () => {
        for (const name of ["a", "b", "c", "d", "e"]) await store.put(`/pods/${name}`, create(name));
        const first = store.list("/pods/", { limit: 2 });
        expect([keysOf(first.entries), first.remaining]).toEqual([["/pods/a", "/pods/b"], 3]);
        const rest = store.list("/pods/", { limit: 3, after: "/pods/b" });
        expect([keysOf(rest.entries), rest.remaining]).toEqual([["/pods/c", "/pods/d", "/pods/e"], 0]);
      });

      test("show an older revision as it was", async () => {
        const a = await store.put("/pods/a", create("a1"));
        const b = await store.put("/pods/b", create("b1"));
        await store.put("/pods/a", replace(a, "a2"));
        await store.delete("/pods/b", replace(b, "b2"));
        await store.put("/pods/c", create("c1"));
        expect(shown(store.list("/pods/", { revision: b.modRevision }).entries)).toEqual({
          "/pods/a": "a1",
          "/pods/b": "b1",
        });
        expect(store.list("/pods/", { revision: b.modRevision }).revision).toBe(b.modRevision);
        expect(shown(store.list("/pods/").entries)).toEqual({ "/pods/a": "a2", "/pods/c": "c1" });
      });

      test("a list in pages at one revision is not disturbed by later writes", async () => {
        for (const name of ["b", "d", "f", "h"]) await store.put(`/pods/${name}`, create(name));
        const { revision } = store;
        for (const name of ["a", "c", "e", "g", "i"]) await store.put(`/pods/${name}`, create(name));
        await store.delete("/pods/d", always("gone"));
        await store.delete("/pods/h", always("gone"));
        const pages: [string[], number][] = [];
        for (let after = ""; ; ) {
          const page = store.list("/pods/", { revision, limit: 1, after });
          pages.push([keysOf(page.entries), page.remaining]);
          if (page.remaining === 0) break;
          after = page.entries.at(-1)!.key;
        }
        expect(pages).toEqual([
          [["/pods/b"], 3],
          [["/pods/d"], 2],
          [["/pods/f"], 1],
          [["/pods/h"], 0],
        ]);
      });

      test("refuse a revision that has not happened yet", () => {
        expect(() => store.list("/pods/", { revision: store.revision + 1 })).toThrow(FutureRevision);
      });
    });

    describe("watches", () => {
      test("read every event after their revision, in order, with what was there before", async () => {
        const a = await store.put("/pods/a", create("1"));
        using watch = store.watch("/pods/", a.modRevision, () => {});
        const b = await store.put("/pods/a", replace(a, "2"));
        const c = await store.delete("/pods/a", replace(b, "3"));
        expect(watch.read(10)).toEqual([
          { type: "put", entry: b, previous: a },
          { type: "delete", entry: c, previous: b },
        ]);
        expect(watch.read(10)).toEqual([]);
      });

      test("begin in the past", async () => {
        const { revision } = store;
        const a = await store.put("/pods/a", create("1"));
        const b = await store.put("/pods/b", create("1"));
        using watch = store.watch("/pods/", revision, () => {});
        expect(watch.read(1).map(({ entry }) => entry)).toEqual([a]);
        expect(watch.revision).toBe(a.modRevision);
        expect(watch.read(1).map(({ entry }) => entry)).toEqual([b]);
      });

      test("that begin in the future wait for it", async () => {
        using watch = store.watch("/pods/", store.revision + 2, () => {});
        const from = store.revision;
        for (const name of ["a", "b", "c"]) await store.put(`/pods/${name}`, create(name));
        expect(watch.read(10).map(({ entry }) => entry.modRevision)).toEqual([from + 3]);
      });

      test("are woken for their prefix and not for others", async () => {
        const woken: string[] = [];
        using _pods = store.watch("/pods/a/", store.revision, () => woken.push("pods of a"));
        using _nodes = store.watch("/nodes/", store.revision, () => woken.push("nodes"));
        await store.put("/pods/b/1", create("1"));
        expect(woken).toEqual([]);
        await store.put("/pods/a/1", create("1"));
        expect(woken).toEqual(["pods of a"]);
      });

      test("see an event only when it is committed, and then at once", async () => {
        const seen: (string | undefined)[] = [];
        using _watch = store.watch("/pods/", store.revision, () => seen.push(store.get("/pods/a")?.value.toString()));
        const writing = store.put("/pods/a", create("1"));
        expect(seen).toEqual([]);
        await writing;
        expect(seen).toEqual(["1"]);
      });

      test("promise every revision that cannot bring them anything any more", async () => {
        using watch = store.watch("/pods/", store.revision, () => {});
        const { modRevision } = await store.put("/nodes/a", create("1"));
        expect(watch.revision).toBe(modRevision);
        const pod = await store.put("/pods/a", create("1"));
        await store.put("/nodes/b", create("1"));
        expect(watch.revision).toBeLessThan(pod.modRevision);
        watch.read(10);
        expect(watch.revision).toBe(store.revision);
      });

      test("that ended are not woken", async () => {
        const watch = store.watch("/pods/", store.revision, () => expect.fail("woken"));
        watch[Symbol.dispose]();
        await store.put("/pods/a", create("1"));
        expect(watch.read(10)).toEqual([]);
      });

      test("that fell out of the history are told so, those that merely had nothing to read are not", async () => {
        const begin = store.revision;
        using slow = store.watch("/pods/", begin, () => {});
        using quiet = store.watch("/pods/quiet/", begin, () => {});
        const value = () => Buffer.alloc(1024 * 1024);
        for (let i = 0; i < 20; i++) await store.put("/pods/a/loud", { expected: "any", value });
        expect(() => slow.read(10)).toThrow(Compacted);
        expect(() => store.watch("/pods/", begin, () => {})).toThrow(Compacted);
        expect(() => store.list("/pods/", { revision: begin })).toThrow(Compacted);
        const entry = await store.put("/pods/quiet/1", create("1"));
        expect(quiet.read(10).map((event) => event.entry)).toEqual([entry]);
      });
    });

    test("a closed store refuses writes", async () => {
      const other = await open();
      await other.put("/pods/a", create("1"));
      await other[Symbol.asyncDispose]();
      await expect(other.put("/pods/b", create("1"))).rejects.toMatchObject({ name: "StoreUnavailable" });
    });

    test("behaves as a plain map with a list of events does, whatever is done", async () => {
      await fc.assert(
        fc.asyncProperty(anyOperations, async (operations) => {
          await using subject = await open();
          const model = new ModelStore(subject.revision);
          for (const operation of operations) await perform(operation, subject, model);
          model.compare(subject);
          subject.verify();
        }),
        { numRuns: runs },
      );
    });
  });
}
