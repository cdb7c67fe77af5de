import { expect, test, vi } from "vitest";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { aContainer, running } from "../testing/objects.ts";
import type { PodContext } from "./context.ts";
import { stopContainer } from "./stop.ts";

/** Stops a container with a hook; what happens is written down. */
function stopping(turn: Promise<unknown> | undefined, graceSeconds: number) {
  const done: string[] = [];
  const clock = fakeClock();
  const runtime = {
    async exec() {
      done.push("hook");
      return { exited: Promise.resolve(0), resize: async () => undefined };
    },
    async stopContainer(_: string, seconds: number) {
      done.push(`end within ${seconds} s`);
    },
  } satisfies Partial<ContainerRuntime>;
  const spec = aContainer({ lifecycle: { preStop: { exec: { command: ["true"] } } } });
  const stopped = stopContainer({
    context: {
      runtime: runtime as Partial<ContainerRuntime> as ContainerRuntime,
      clock,
      log: noLog,
    } as Partial<PodContext> as PodContext,
    container: { role: "sidecar", spec, fieldPath: "spec.initContainers{main}" },
    running: running(),
    graceSeconds,
    message: "Stopping container main",
    podIp: "",
    turn,
    tell: (_container, _type, reason) => void done.push(reason),
  });
  return { done, stopped, clock };
}

test("a sidecar's hook runs at once, its end waits for those that it serves", async () => {
  const others = Promise.withResolvers<void>();
  const { done, stopped } = stopping(others.promise, 30);
  await vi.waitFor(() => expect(done).toEqual(["Killing", "hook"]));
  others.resolve();
  await stopped;
  expect(done).toEqual(["Killing", "hook", "end within 30 s"]);
});

test("others that use all of the grace leave it a little", async () => {
  const { done, stopped, clock } = stopping(new Promise(() => undefined), 1);
  await vi.waitFor(() => expect(done).toEqual(["Killing", "hook"]));
  await clock.advance(1_000);
  await stopped;
  expect(done).toEqual(["Killing", "hook", "end within 2 s"]);
});

test("a pod that is to end at once asks no hook", async () => {
  const { done, stopped } = stopping(undefined, 0);
  await stopped;
  expect(done).toEqual(["Killing", "end within 0 s"]);
});
