import fc from "fast-check";
import { expect } from "vitest";
import { type Durability, RevisionConflict, type Store, type StoreEvent } from "../contract.ts";

/** Several writes that are asked for in one turn: they race. */
export type Operations = readonly (readonly Operation[])[];

export interface Operation {
  readonly type: "put" | "delete";
  readonly key: string;
  readonly expected: "any" | "absent" | "newest" | "stale";
  readonly durability: Durability;
}

const keys = ["/pods/a/1", "/pods/a/2", "/pods/b/1", "/pods/c", "/nodes/1", "/nodes/2"];
const anyOperation: fc.Arbitrary<Operation> = fc.record({
  type: fc.constantFrom("put", "put", "delete"),
  key: fc.constantFrom(...keys),
  expected: fc.constantFrom("any", "any", "absent", "newest", "stale"),
  durability: fc.constantFrom("commit", "commit", "lazy", "memory"),
});
export const anyOperations: fc.Arbitrary<Operations> = fc.array(fc.array(anyOperation, { maxLength: 6 }), {
  maxLength: 20,
});

/** What the store must do, in the plainest way: a map, and the list of everything that happened. */
export class ModelStore {
  readonly start: number;
  readonly current = new Map<string, { value: string; modRevision: number; createRevision: number }>();
  readonly events: {
    type: StoreEvent["type"];
    key: string;
    value: string;
    revision: number;
    previous: string | undefined;
    durability: Durability;
  }[] = [];

  constructor(start: number) {
    this.start = start;
  }

  /** The state after the events up to a revision. */
  at(revision: number, prefix: string): Record<string, string> {
    const state = new Map<string, string>();
    for (const { type, key, value, revision: happened } of this.events) {
      if (happened > revision || !key.startsWith(prefix)) continue;
      if (type === "put") state.set(key, value);
      else state.delete(key);
    }
    return Object.fromEntries([...state].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  revisionsWithin(history: number, prefix: string): number[] {
    const bucket = prefix.slice(0, prefix.indexOf("/", 1) + 1);
    const own = this.events.filter(({ key }) => key.startsWith(bucket)).map(({ revision }) => revision);
    const oldest = own.at(-1 - history) ?? this.start;
    return [this.start, ...this.events.map(({ revision }) => revision)].filter((revision) => revision >= oldest);
  }

  /** Compares everything that can be read, at every revision that a history of so many events must reach. */
  compare(
    store: Store,
    { revision: newest = this.events.at(-1)?.revision ?? this.start, history = Number.POSITIVE_INFINITY } = {},
  ): void {
    expect(store.revision).toBe(newest);
    for (const key of keys) {
      const { value, modRevision, createRevision } = store.get(key) ?? {};
      const have = value && { value: value.toString(), modRevision, createRevision };
      expect(have).toEqual(this.current.get(key));
    }
    for (const prefix of ["/pods/", "/pods/a/", "/nodes/"]) {
      for (const revision of this.revisionsWithin(history, prefix)) {
        const { entries } = store.list(prefix, { revision });
        expect(Object.fromEntries(entries.map(({ key, value }) => [key, value.toString()]))).toEqual(
          this.at(revision, prefix),
        );
        expect(entries.map(({ key }) => key)).toEqual(Object.keys(this.at(revision, prefix)));
        using watch = store.watch(prefix, revision, () => {});
        const seen = watch.read(Number.POSITIVE_INFINITY).map(({ type, entry, previous }) => ({
          type,
          key: entry.key,
          value: entry.value.toString(),
          revision: entry.modRevision,
          previous: previous?.value.toString(),
        }));
        const happened = this.events.filter((event) => event.revision > revision && event.key.startsWith(prefix));
        expect(seen).toEqual(happened.map(({ durability: _, ...event }) => event));
      }
      expect(store.count(prefix)).toBe(Object.keys(this.at(store.revision, prefix)).length);
    }
  }
}

/** Does the operations on both; each must be accepted by both or refused by both. */
export async function perform(operations: readonly Operation[], store: Store, model: ModelStore): Promise<void> {
  let revision = store.revision;
  const done = operations.map(async ({ type, key, expected, durability }, i) => {
    const known = model.current.get(key);
    const wanted = {
      any: "any" as const,
      absent: "absent" as const,
      newest: known?.modRevision ?? ("absent" as const),
      stale: (known?.modRevision ?? 1) - 1,
    }[expected];
    const isThere = known !== undefined;
    const fits = (type === "put" || isThere) && (wanted === "any" || wanted === (known?.modRevision ?? "absent"));
    const writing = store[type](key, { expected: wanted, value: (at) => Buffer.from(`${i} at ${at}`), durability });
    if (!fits) return expect(writing).rejects.toThrow(RevisionConflict);
    const value = `${i} at ${++revision}`;
    model.events.push({ type, key, value, revision, previous: known?.value, durability });
    if (type === "put")
      model.current.set(key, { value, modRevision: revision, createRevision: known?.createRevision ?? revision });
    else model.current.delete(key);
    const entry = await writing;
    expect([entry.value.toString(), entry.modRevision]).toEqual([
      value,
      model.events.find((e) => e.value === value)?.revision,
    ]);
  });
  await Promise.all(done);
}
