import { describe, expect, test } from "vitest";
import { configMap } from "../../api/kinds/core/config-map.ts";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import type { Store } from "../../store/contract.ts";
import { openStore } from "../../store/open.ts";
import { follow, onChange } from "./follow.ts";
import { forgetful } from "./testing/forgetful.ts";

const put = (store: Store, name: string) =>
  store.put(`/configmaps/ns/${name}`, {
    expected: "any",
    value: () => Buffer.from(JSON.stringify({ kind: "ConfigMap", apiVersion: "v1", metadata: { name } })),
  });

const aStore = () => openStore({ kind: "memory" }, { clock: systemClock, log: noLog });

function recorder() {
  const told: string[] = [];
  const name = ({ metadata }: { metadata: { name: string } }) => metadata.name;
  return {
    told,
    followed: {
      begin: (all: readonly { metadata: { name: string } }[]) => told.push(`begin ${all.map(name).join(",")}`),
      put: (one: { metadata: { name: string } }) => told.push(`put ${name(one)}`),
      remove: (one: { metadata: { name: string } }) => told.push(`remove ${name(one)}`),
    },
  };
}

describe("follow()", () => {
  test("tells what is there, then each change in its order, and nothing of other kinds", async () => {
    await using store = await aStore();
    await put(store, "old");
    const { told, followed } = recorder();
    using _ = follow(store, configMap, followed);
    await put(store, "new");
    await store.put("/secrets/ns/other", { expected: "any", value: () => Buffer.from("{}") });
    await store.delete("/configmaps/ns/old", {
      expected: "any",
      value: () => Buffer.from(JSON.stringify({ metadata: { name: "old" } })),
    });
    expect(told).toEqual(["begin old", "put new", "remove old"]);
  });

  test("begins anew when the history has moved on, and goes on from there", async () => {
    await using store = await aStore();
    const world = forgetful(store);
    const { told, followed } = recorder();
    using _ = follow(world.store, configMap, followed);
    world.loseHistory();
    await put(store, "a");
    await put(store, "b");
    expect(told).toEqual(["begin ", "begin a", "put b"]);
    expect(world.open()).toBe(1);
  });

  test("tells nothing any more once it is disposed of", async () => {
    await using store = await aStore();
    const { told, followed } = recorder();
    follow(store, configMap, followed)[Symbol.dispose]();
    await put(store, "a");
    expect(told).toEqual(["begin "]);
  });
});

describe("onChange()", () => {
  test("is called after changes, also after one that the history has lost", async () => {
    await using store = await aStore();
    const world = forgetful(store);
    let calls = 0;
    using _ = onChange(world.store, "/configmaps/", () => {
      calls++;
    });
    expect(calls).toBe(0);
    await put(store, "a");
    expect(calls).toBe(1);
    world.loseHistory();
    await put(store, "b");
    // A call too many does no harm.
    const before = calls;
    expect(before).toBeGreaterThan(1);
    await put(store, "c");
    expect(calls).toBeGreaterThan(before);
    expect(world.open()).toBe(1);
  });
});
