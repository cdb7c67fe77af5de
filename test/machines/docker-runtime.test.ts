import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { noLog } from "../../src/base/log.ts";
import { openDocker } from "../../src/node/open-docker.ts";
import { runtimeContract } from "../../src/node/testing/runtime-contract.ts";
import { aSandboxSpec } from "../../src/node/testing/specs.ts";
import { startDocker, type TestDocker } from "../support/docker.ts";

let daemon: TestDocker;
beforeAll(async () => {
  daemon = await startDocker({ plainRunc: true });
  await daemon.importBusybox();
});
afterAll(() => daemon[Symbol.asyncDispose]());

const open = () => openDocker({ socket: daemon.socket, directory: join(daemon.directory, "skiff"), log: noLog });

runtimeContract("Docker", open);

describe("Docker", () => {
  test("has skiff's own images after the start", async () => {
    await using runtime = await open();
    expect((await runtime.imageStatus("skiff/hello"))?.tags.toSorted()).toEqual([
      "skiff/hello:1",
      "skiff/hello:latest",
    ]);
    expect(await runtime.imageStatus("skiff/pause:1")).toBeDefined();
  });

  test("that is restarted leaves the sandboxes alone and is listened to again", async () => {
    await using runtime = await open();
    const sandbox = await runtime.runPodSandbox(aSandboxSpec(), new AbortController().signal);
    const events = runtime.events(new AbortController().signal)[Symbol.asyncIterator]();
    expect((await events.next()).value).toEqual({ type: "resync" });
    await daemon.restart();
    // Whether it is missed meanwhile depends on how fast it is back.
    const first = (await events.next()).value;
    expect(first.type === "lost" ? (await events.next()).value : first).toEqual({ type: "resync" });
    expect((await runtime.list()).sandboxes).toEqual([sandbox]);
    await runtime.removePodSandbox(sandbox.id);
  });

  test("that is absent is answered with what to do", async () => {
    const opening = openDocker({
      socket: join(daemon.directory, "none.sock"),
      directory: daemon.directory,
      log: noLog,
    });
    await expect(opening).rejects.toThrow(/^there is no Docker at .*none.sock: install Docker Engine 20.10 or later/);
  });
});
