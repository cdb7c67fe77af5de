import { beforeEach, describe, expect, test } from "vitest";
import { configMap } from "../api/kinds/core/config-map.ts";
import type { ConfigMap } from "../api/schema/types.ts";
import { noLog } from "../base/log.ts";
import { type FakeClock, fakeClock } from "../base/testing/fake-clock.ts";
import type { Store } from "../store/contract.ts";
import { aStoreOn } from "../store/testing/store-on-disk.ts";
import { recollectionIn } from "./recollect.ts";

const aMap = (name: string, value: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { namespace: "default", name },
  data: { value },
});
const valuesOf = (items: readonly { data?: Record<string, string> }[] = []) => items.map(({ data }) => data?.value);

describe("what a node remembers, on a disk that fails", () => {
  let clock: FakeClock;
  let isFull: boolean;
  let store: Store;
  const settle = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise((done) => setImmediate(done));
  };
  beforeEach(async () => {
    [clock, isFull] = [fakeClock(), false];
    store = await aStoreOn(() => isFull, clock);
  });

  test("is answered as the server last said it, and is on the disk when there is room again", async () => {
    const recollection = recollectionIn(store, { clock, log: noLog });
    recollection.replace(configMap, [aMap("a", "1"), aMap("b", "1")]);
    await settle();
    isFull = true;
    recollection.put(configMap, aMap("a", "2"));
    recollection.put(configMap, aMap("a", "3"));
    recollection.remove(configMap, { namespace: "default", name: "b" });
    recollection.put(configMap, aMap("c", "1"));
    recollection.keepText("word", "hidden");
    await settle();
    expect(valuesOf(recollection.list(configMap))).toEqual(["3", "1"]);
    expect([recollection.text("word"), store.count("/configmaps/")]).toEqual(["hidden", 2]);
    await clock.advance(10_000);
    await settle();
    isFull = false;
    // What is said meanwhile counts, not what was owed before.
    recollection.put(configMap, aMap("c", "2"));
    await settle();
    await clock.advance(60_000);
    await settle();
    const kept = store.list("/configmaps/").entries.map(({ value }) => JSON.parse(value.toString()));
    expect(valuesOf(kept)).toEqual(["3", "2"]);
    expect([store.get("/texts/word")?.value.toString(), clock.waiting]).toEqual(["hidden", 0]);
    expect(valuesOf(recollection.list(configMap))).toEqual(["3", "2"]);
  });

  test("a full disk at the start is no reason to end, though there is something to forget", async () => {
    const first = recollectionIn(store, { clock, log: noLog });
    first.put(configMap, aMap("of-nobody", "1"));
    await settle();
    isFull = true;
    const second = recollectionIn(store, { clock, log: noLog });
    await settle();
    expect(second.get(configMap, { namespace: "default", name: "of-nobody" })).toBeUndefined();
  });
});
