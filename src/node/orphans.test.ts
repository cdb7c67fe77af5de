import { expect, test } from "vitest";
import { noLog } from "../base/log.ts";
import { type OrphanParts, removeOrphans } from "./orphans.ts";
import { aSandbox, running } from "./testing/objects.ts";

/** A machine with pods of these uids, each a sandbox, a container and a volume; `stopping` is awaited by every stop. */
function machine(uids: readonly string[], { stopping = Promise.resolve() }: { stopping?: Promise<void> } = {}) {
  const pods = new Set(uids);
  const done: string[] = [];
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
    log: noLog,
  };
  return { pods, done, parts };
}

test("what is left of pods that nobody wants goes, containers first; the others stay", async () => {
  const { done, parts } = machine(["gone", "here"]);
  await removeOrphans(parts, (uid) => uid === "here");
  expect(done).toEqual(["stop c-gone", "remove s-gone", "remove c-gone", "tear down gone"]);
});

test("a pod that comes while an old one takes its time to end keeps its volumes", async () => {
  const { promise: stopping, resolve: stopped } = Promise.withResolvers<void>();
  const { pods, done, parts } = machine(["gone"], { stopping });
  const wanted = new Set<string>();
  const removing = removeOrphans(parts, (uid) => wanted.has(uid));
  await Promise.resolve();
  pods.add("new");
  wanted.add("new");
  stopped();
  await removing;
  expect(done).toEqual(["stop c-gone", "remove s-gone", "remove c-gone", "tear down gone"]);
});
