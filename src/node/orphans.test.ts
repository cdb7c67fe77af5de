import { expect, test, vi } from "vitest";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { type OrphanParts, removeOrphans } from "./orphans.ts";
import { aSandbox, running } from "./testing/objects.ts";

const never = new AbortController().signal;

/** A machine with pods of these uids, each a sandbox, a container and a volume; `stopping` is awaited by every stop. */
function machine(uids: readonly string[], { stopping = Promise.resolve() }: { stopping?: Promise<void> } = {}) {
  const pods = new Set(uids);
  const done: string[] = [];
  const clock = fakeClock();
  const parts: OrphanParts = {
    runtime: {
      list: async () => ({
        sandboxes: [...pods].map((podUid) => aSandbox({ id: `s-${podUid}`, podUid })),
        containers: [...pods].map((podUid) => running({ id: `c-${podUid}`, podUid })),
      }),
      async stopContainer(id) {
        await stopping;
        done.push(`stop ${id}`);
      },
      removePodSandbox: async (id) => void done.push(`remove ${id}`),
      removeContainer: async (id) => void done.push(`remove ${id}`),
    },
    volumes: { podUids: async () => [...pods], tearDown: async (uid) => void done.push(`tear down ${uid}`) },
    clock,
    log: noLog,
  };
  return { pods, done, parts, clock };
}

test("what is left of pods that nobody wants goes, containers first; the others stay", async () => {
  const { done, parts } = machine(["gone", "here"]);
  await removeOrphans(parts, (uid) => uid === "here", never);
  expect(done).toEqual(["stop c-gone", "remove s-gone", "remove c-gone", "tear down gone"]);
});

test("a pod that comes while an old one takes its time to end keeps its volumes", async () => {
  const { promise: stopping, resolve: stopped } = Promise.withResolvers<void>();
  const { pods, done, parts } = machine(["gone"], { stopping });
  const wanted = new Set<string>();
  const removing = removeOrphans(parts, (uid) => wanted.has(uid), never);
  await Promise.resolve();
  pods.add("new");
  wanted.add("new");
  stopped();
  await removing;
  expect(done).toEqual(["stop c-gone", "remove s-gone", "remove c-gone", "tear down gone"]);
});

test("volumes whose driver has not come yet are taken away when it has, and keep no others", async () => {
  const { done, parts, clock } = machine(["slow", "quick"]);
  let isThere = false;
  const tearDown = async (uid: string) => {
    if (uid === "slow" && !isThere) throw new Error("driver not found");
    done.push(`tear down ${uid}`);
  };
  const removing = removeOrphans({ ...parts, volumes: { ...parts.volumes, tearDown } }, () => false, never);
  await vi.waitFor(() => expect(clock.waiting).toBe(1));
  expect(done).toContain("tear down quick");
  isThere = true;
  await clock.advance(500);
  await removing;
  expect(done.at(-1)).toBe("tear down slow");
});
