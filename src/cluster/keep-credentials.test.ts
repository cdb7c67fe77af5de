import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { KeptCredentials } from "./keep-credentials.ts";

test("certificates that were renewed are in use although a file that holds them cannot be written, which is tried again", async () => {
  const directory = await mkdtemp(join(tmpdir(), "skiff-credentials-"));
  try {
    const clock = fakeClock(Date.now());
    const first = ["localhost"];
    const kept = await KeptCredentials.open({ directory, nodeName: "n1", sans: first, clock, log: noLog });
    const before = kept.current;
    let diskIsFull = true;
    const written: string[] = [];
    let [told, tries] = [0, 0];
    kept.keepFresh(async ({ serving }) => {
      tries++;
      if (diskIsFull) throw new Error("no space left on device");
      written.push(serving.cert);
    });
    kept.onChange(() => told++);

    kept.useSans([...first, "192.0.2.7"]);
    // When they were made, and again because their files have changed: once or more, as the news of them comes.
    await vi.waitFor(async () => {
      await clock.advance(1_000);
      expect(tries).toBeGreaterThanOrEqual(2);
    });
    expect(kept.current.serving.cert).not.toBe(before.serving.cert);
    expect([told, written]).toEqual([1, []]);

    diskIsFull = false;
    await clock.advance(60_000);
    await vi.waitFor(() => expect(written).toEqual([kept.current.serving.cert]));
    expect(told).toBe(1);
    await kept[Symbol.asyncDispose]();
    expect(clock.waiting).toBe(0);
  } finally {
    await rm(directory, { recursive: true });
  }
});
