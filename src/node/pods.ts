import { isLeaving, keyOf, keyText } from "../api/object.ts";
import type { Pod } from "../api/schema/types.ts";
import { sleep } from "../base/backoff.ts";
import type { Change, Informer } from "../client/informer.ts";
import type { PodContext } from "./pod/context.ts";
import { isCritical } from "./pod/critical.ts";
import { annotation } from "./pod/spec-hash.ts";
import { type Neighbours, PodWorker } from "./pod/worker.ts";
import type { StaticPods } from "./static-pods/directory.ts";
import { isMirror, isStatic } from "./static-pods/read.ts";

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
  /** Uids of static pods that are being ended. */
  const gone = new Set<string>();

  /** The static pod of which this is the API's picture. */
  function pictured(picture: Pod): PodWorker | undefined {
    return [...workers.values()].find(
      ({ pod }) =>
        isStatic(pod) && keyText(keyOf(pod)) === keyText(keyOf(picture)) && !gone.has(pod.metadata.uid ?? ""),
    );
  }

  /** Somebody changed what only shows a static pod: it is made to show it again. */
  async function mendPicture(picture: Pod, isThere: boolean): Promise<void> {
    const worker = pictured(picture);
    if (worker && (!isThere || isLeaving(picture))) await mirrors.show(worker.pod);
    else if (!worker && isThere) await mirrors.remove(picture);
  }

  function lookAtPicture(picture: Pod, isThere: boolean): void {
    mendPicture(picture, isThere).catch((error: unknown) =>
      log.warn("a static pod is not shown as it is", { pod: keyText(keyOf(picture)), error }),
    );
  }

  /** Static pods that are there no more are ended; one that changed is ended and, when it has, begun anew. */
  function takeStatic(wanted: readonly Pod[]): void {
    const uids = new Set(wanted.map(({ metadata }) => metadata.uid));
    const leaving = [...workers.values()].filter(({ uid, pod }) => isStatic(pod) && !uids.has(uid));
    for (const worker of leaving) {
      gone.add(worker.uid);
      worker.remove();
      void worker.gone.then(() => gone.delete(worker.uid));
      const picture = pods.get(keyOf(worker.pod));
      if (picture && isMirror(picture)) lookAtPicture(picture, true);
    }
    const begin = () => {
      for (const pod of wanted) if (!workers.has(pod.metadata.uid ?? "")) want(pod);
    };
    if (leaving.length === 0) begin();
    else void Promise.all(leaving.map((worker) => worker.gone)).then(begin);
  }

  function want(pod: Pod): void {
    if (isMirror(pod)) {
      lookAtPicture(pod, true);
      return;
    }
    const uid = pod.metadata.uid ?? "";
    const there = workers.get(uid);
    if (there) {
      there.update(pod);
      return;
    }
    if (isGoingDown) return;
    const worker = new PodWorker(context, pod, neighbours);
    workers.set(uid, worker);
    void worker.gone.then(() => workers.delete(uid));
    worker.wake();
  }

  function react({ before, after }: Change<Pod>): void {
    // One pod may have taken another's name between two looks.
    if (before && before.metadata.uid !== after?.metadata.uid) {
      if (isMirror(before)) lookAtPicture(before, after !== undefined);
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

  statics.follow(takeStatic);
  await pods.synced;
  const subscription = pods.onChange(react);
  const listening = listen().catch((error: unknown) => log.error("the runtime's events cannot be read", { error }));
  async function clean(): Promise<void> {
    // While no server answers, what is not remembered may still be wanted: it is left alone.
    await pods.confirmed;
    const known = new Set(workers.keys());
    await network.keepOnly(known);
    await removeOrphans(context, known);
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

/** Ends what runs of pods that the API has no more: they were deleted while skiff was not running. */
async function removeOrphans({ runtime, volumes, log }: PodContext, wanted: ReadonlySet<string>): Promise<void> {
  const { sandboxes, containers } = await runtime.list();
  const orphans = containers.filter(({ podUid, state }) => !wanted.has(podUid) && state === "running");
  await Promise.all(
    orphans.map(({ id, annotations }) => runtime.stopContainer(id, Number(annotations[annotation.gracePeriod] ?? 30))),
  );
  for (const { id, podUid, namespace, name } of sandboxes) {
    if (wanted.has(podUid)) continue;
    log.info("removing a pod that was deleted meanwhile", { pod: `${namespace}/${name}` });
    await runtime.removePodSandbox(id);
  }
  for (const { id, podUid } of containers) if (!wanted.has(podUid)) await runtime.removeContainer(id);
  for (const uid of await volumes.podUids()) if (!wanted.has(uid)) await volumes.tearDown(uid);
}
