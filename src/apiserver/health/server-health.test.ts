import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import type { Store } from "../../store/contract.ts";
import { openStore } from "../../store/open.ts";
import { serverHealth } from "./server-health.ts";

function aStore(): Promise<Store> {
  return openStore({ kind: "memory" }, { clock: systemClock, log: noLog });
}

/** A store whose disk refuses. */
async function aBrokenStore(): Promise<Store> {
  const store = await aStore();
  return new Proxy(store, {
    get: (target, name) =>
      name === "readBarrier" ? () => Promise.reject(new Error("disk full")) : Reflect.get(target, name, target),
  });
}

test("a server that is well says so in a word, or check by check", async () => {
  const { livez, readyz } = serverHealth(await aStore(), new AbortController().signal);
  expect(await livez.all(false, [])).toEqual({ code: 200, text: "ok" });
  const { text } = await readyz.all(true, ["etcd"]);
  expect(text).toMatch(/^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]etcd excluded: ok\n\[\+\]etcd-readiness ok\n/);
  expect(text).toMatch(/\[\+\]shutdown ok\nreadyz check passed\n$/);
  expect(await readyz.one("poststarthook/rbac/bootstrap-roles")).toEqual({ code: 200, text: "ok" });
});

test("a store that fails makes the server neither alive nor ready; other checks are not touched", async () => {
  const { livez, readyz } = serverHealth(await aBrokenStore(), new AbortController().signal);
  expect(await livez.all(false, [])).toMatchObject({ code: 500, text: expect.stringContaining("[-]etcd failed") });
  expect(await livez.all(false, ["etcd"])).toMatchObject({ code: 200 });
  expect(await readyz.one("etcd-readiness")).toEqual({ code: 500, text: "internal server error: disk full\n" });
  expect(await readyz.one("ping")).toMatchObject({ code: 200 });
});

test("a server that stops is alive, and not ready", async () => {
  const stopping = new AbortController();
  const { livez, readyz } = serverHealth(await aStore(), stopping.signal);
  stopping.abort();
  expect(await livez.all(false, [])).toMatchObject({ code: 200 });
  expect(await readyz.all(false, [])).toMatchObject({ code: 500, text: expect.stringContaining("[-]shutdown failed") });
});
