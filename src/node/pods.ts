import type { Pod } from "../api/schema/types.ts";
import { sleep } from "../base/backoff.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { Change, Informer } from "../client/informer.ts";
import { removeOrphans } from "./orphans.ts";
import type { PodContext } from "./pod/context.ts";
import { isCritical } from "./pod/critical.ts";
import { type Neighbours, PodWorker } from "./pod/worker.ts";
import type { StaticPods } from "./static-pods/directory.ts";
import { isMirror } from "./static-pods/read.ts";
import { runStaticPods } from "./static-pods/run-static-pods.ts";

/** The pods of this node, each with its worker. */
export interface Pods extends AsyncDisposable {
  list(): readonly Pod[];
  get(namespace: string, name: string): Pod | undefined;
  /** The node goes down: takes no more pods and ends those that are there, critical ones last. */
  shutDown(grace: ShutdownGrace): Promise<void>;
  /** Ends a pod for the node's sake. */
  evict(podUid: string, message: string): void;
}

/** A container that has used its grace up is killed; that and the last words take a moment. */
const killSeconds = 3;

/** How long pods may take to end when the node goes down (kubelet's shutdownGracePeriod and ...CriticalPods). */
export interface ShutdownGrace {
  /** For all pods together; 0: they are left to the runtime. */
  readonly seconds: number;
  /** The part of it that is kept for critical pods. */
  readonly criticalSeconds: number;
}

/**
 * Starts a worker for every pod that is bound to this node and wakes it when something happens to it. `answers` is told
 * when the runtime stops answering and when it begins again.
 */
export async function lookAfterPods(
  context: PodContext,
  { pods, statics, answers }: { pods: Informer<Pod>; statics: StaticPods; answers: (does: boolean) => void },
): Promise<Pods> {
  const { runtime, network, log, clock, mirrors } = context;
  const workers = new Map<string, PodWorker>();
  const stop = new AbortController();

  const neighbours: Neighbours = {
    list: () => [...workers.values()].filter(({ isToEnd }) => !isToEnd).map(({ pod }) => pod),
    preempt: async (podUid) => workers.get(podUid)?.preempt(),
  };
  let isGoingDown = false;
  function want(pod: Pod): void {
    if (isMirror(pod)) {
      staticPods.lookAtPicture(pod, true);
      return;
    }
    const uid = pod.metadata.uid ?? "";
    const there = workers.get(uid);
    if (there) {
      there.update(pod);
      return;
    }
    if (isGoingDown || stop.signal.aborted) return;
    const worker = new PodWorker(context, pod, neighbours);
    workers.set(uid, worker);
    void worker.gone.then(() => workers.delete(uid));
    worker.wake();
  }

  function react({ before, after }: Change<Pod>): void {
    // One pod may have taken another's name between two looks.
    if (before && before.metadata.uid !== after?.metadata.uid) {
      if (isMirror(before)) staticPods.lookAtPicture(before, after !== undefined);
      else workers.get(before.metadata.uid ?? "")?.remove();
    }
    if (after) want(after);
  }

  async function listen(): Promise<void> {
    for await (const event of runtime.events(stop.signal)) {
      if (event.type === "resync" || event.type === "lost") answers(event.type === "resync");
      if (event.type === "lost") continue;
      if (event.type === "resync") for (const worker of workers.values()) worker.wake();
      else workers.get(event.podUid)?.wake();
    }
  }

  const staticPods = runStaticPods({ workers, begin: want, shown: (key) => pods.get(key), mirrors, log });
  statics.follow(staticPods.take);
  await pods.synced;
  const subscription = pods.onChange(react);
  const listening = listen().catch((error: unknown) => log.error("the runtime's events cannot be read", { error }));
  async function clean(): Promise<void> {
    // While no server answers, what is not remembered may still be wanted: it is left alone.
    await unlessAborted(pods.confirmed, stop.signal);
    await network.keepOnly(new Set(workers.keys()));
    await removeOrphans(context, (podUid) => workers.has(podUid), stop.signal);
  }
  // What they are given to end must not hold up those that stay.
  const cleaning = clean().catch((error: unknown) => {
    if (!stop.signal.aborted) log.warn("old pods were not removed", { error });
  });

  return {
    list: () => [...workers.values()].map(({ pod }) => pod),
    get: (namespace, name) => {
      const found = [...workers.values()]
        .map(({ pod }) => pod)
        .filter(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
      // While one ends, the next of the same name may be here already.
      return found.find(({ metadata }) => !metadata.deletionTimestamp) ?? found[0];
    },
    async shutDown({ seconds, criticalSeconds }) {
      isGoingDown = true;
      const staysLonger = ({ pod }: PodWorker) => isCritical(pod);
      const all = [...workers.values()];
      for (const [group, limitSeconds] of [
        [all.filter((worker) => !staysLonger(worker)), seconds - criticalSeconds],
        [all.filter(staysLonger), criticalSeconds],
      ] as const) {
        const ended = Promise.all(group.map((worker) => worker.shutDown(limitSeconds)));
        await Promise.race([ended, sleep(clock, (limitSeconds + killSeconds) * 1000, stop.signal)]);
      }
    },
    evict: (podUid, message) => workers.get(podUid)?.evict(message),
    async [Symbol.asyncDispose]() {
      subscription[Symbol.dispose]();
      stop.abort();
      await Promise.all([...workers.values()].map((worker) => worker[Symbol.asyncDispose]()));
      await Promise.all([listening, cleaning]);
    },
  };
}
