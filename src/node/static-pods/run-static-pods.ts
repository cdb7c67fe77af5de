import { isLeaving, keyOf, keyText, type ObjectKey } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import type { Log } from "../../base/log.ts";
import type { MirrorPods } from "./mirror-pods.ts";
import { isMirror, isStatic } from "./read.ts";

/** What looks after a pod (pod/worker.ts), as far as it matters here. */
export interface StaticWorker {
  readonly uid: string;
  readonly pod: Pod;
  /** Resolves when the pod has ended and nothing of it is left. */
  readonly gone: Promise<void>;
  /** The pod is to end. */
  remove(): void;
}

export interface StaticPodParts {
  /** All workers of the node, by uid; a worker whose pod is gone is not among them. */
  readonly workers: ReadonlyMap<string, StaticWorker>;
  /** Begins to run a pod. */
  readonly begin: (pod: Pod) => void;
  /** The API's pod of this name. */
  readonly shown: (key: ObjectKey) => Pod | undefined;
  readonly mirrors: MirrorPods;
  readonly log: Log;
}

/** Runs the static pods of a node as their files describe them, and keeps their pictures in the API as they are. */
export interface StaticPodRunner {
  /** These are described now: those that are no more are ended; one that changed is ended first, then begun as it is by then. */
  take(described: readonly Pod[]): void;
  /** Somebody did something to a picture: it is made to show its pod again. `isThere`: whether the API still has it. */
  lookAtPicture(picture: Pod, isThere: boolean): void;
}

export function runStaticPods({ workers, begin, shown, mirrors, log }: StaticPodParts): StaticPodRunner {
  let described: readonly Pod[] = [];
  /** Uids of those that are being ended. */
  const ending = new Set<string>();

  /** The static pod of which this is the API's picture. */
  function pictured(picture: Pod): StaticWorker | undefined {
    const name = keyText(keyOf(picture));
    return [...workers.values()].find(
      ({ uid, pod }) => isStatic(pod) && keyText(keyOf(pod)) === name && !ending.has(uid),
    );
  }

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

  function end(worker: StaticWorker): void {
    ending.add(worker.uid);
    worker.remove();
    void worker.gone.then(() => ending.delete(worker.uid));
    const picture = shown(keyOf(worker.pod));
    if (picture && isMirror(picture)) lookAtPicture(picture, true);
  }

  /** What is described by now: while a pod took its time to end, its file may have changed once more. */
  function beginAll(): void {
    for (const pod of described) if (!workers.has(pod.metadata.uid ?? "")) begin(pod);
  }

  return {
    take(pods) {
      described = pods;
      const uids = new Set(pods.map(({ metadata }) => metadata.uid));
      const leaving = [...workers.values()].filter(({ uid, pod }) => isStatic(pod) && !uids.has(uid));
      for (const worker of leaving) end(worker);
      if (leaving.length === 0) beginAll();
      else void Promise.all(leaving.map(({ gone }) => gone)).then(beginAll);
    },
    lookAtPicture,
  };
}
