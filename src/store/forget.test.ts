import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { noLog } from "../base/log.ts";
import { Compacted } from "./contract.ts";
import { openStore } from "./open.ts";

test("who watched before a store was put back to an earlier state is told to list again", async () => {
  const directory = await mkdtemp(join(tmpdir(), "skiff-forget-"));
  const open = (forgetBefore?: number | "now") =>
    openStore({ kind: "sqlite", directory, forgetBefore }, { clock: systemClock, log: noLog });
  const write = { expected: "any", value: () => Buffer.from("1") } as const;
  let seen: number;
  {
    await using store = await open();
    ({ modRevision: seen } = await store.put("/pods/a", write));
    store.watch("/pods/", seen, () => {})[Symbol.dispose]();
  }
  let openedAt: number;
  {
    await using store = await open("now");
    openedAt = store.revision;
    expect(() => store.watch("/pods/", seen - 1, () => {})).toThrow(Compacted);
    store.watch("/pods/", openedAt, () => {})[Symbol.dispose]();
    await store.put("/pods/b", write);
  }
  {
    await using store = await open(openedAt);
    expect(() => store.watch("/pods/", openedAt - 1, () => {})).toThrow(Compacted);
    store.watch("/pods/", openedAt, () => {})[Symbol.dispose]();
  }
  await rm(directory, { recursive: true });
});
