import type { Kind } from "../api/kind.ts";
import { controllerRef, type KubeObject, keyFrom, keyOf, keyText, type ObjectKey } from "../api/object.ts";
import { isReason } from "../api/status.ts";
import { sleep, type Waits } from "../base/backoff.ts";
import type { Changing } from "../base/changing.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Cache, openCache } from "./cache.ts";
import type { Client } from "./client.ts";
import { type EventRecorder, openEventRecorder } from "./events.ts";
import type { Change, InformerQuery, Informers } from "./informer.ts";
import { WorkQueue } from "./work-queue.ts";
import type { QueueMetrics } from "./work-queue-metrics.ts";

/** Nothing more to do until something changes. */
export const settled = "settled";
export type Outcome = typeof settled | { readonly again: { readonly afterMs: number } };

/** Again after so long; settled where nothing is waited for. */
export function againIn(afterMs: number | undefined): Outcome {
  return afterMs === undefined ? settled : { again: { afterMs } };
}

export interface Context {
  readonly cache: Cache;
  readonly client: Client;
  readonly events: EventRecorder;
  readonly log: Log;
  /** Milliseconds since 1970 when the round began. */
  readonly now: number;
  /** For durations: milliseconds that go on when somebody sets the clock. */
  readonly elapsedMs: number;
  /** Waits within a round, for what is to be tried once more; ends early when the controller stops. */
  pause(ms: number): Promise<void>;
}

/** A change of an object of `kind` means work for these keys. */
export interface Watched<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  /** Which objects are watched and can be read; all unless said. */
  readonly query?: InformerQuery;
  /** Asked for the object before the change and for the one after it. */
  keys(object: T, cache: Cache): readonly ObjectKey[];
  /** Whether the change matters; every change does unless said. */
  matters?(change: Change<T>): boolean;
  /** How long to wait for further changes, so that they are worked on together; not at all unless said. */
  gatherMs?(change: Change<T>): number;
}

export interface ControllerDefinition<T extends KubeObject> {
  /** The folder's name; stands in logs. */
  readonly name: string;
  /** What Kubernetes calls it in Events ("deployment-controller"); the name with "-controller" unless said. */
  readonly component?: string;
  /** The service account in kube-system whose rights it acts with; the component's name unless said. */
  readonly account?: string;
  readonly reconciles: Kind<T>;
  /** Which objects of the kind; all unless said. */
  readonly query?: InformerQuery;
  readonly watches?: readonly Watched[];
  /** Like those of a watch, for changes of the kind itself. */
  readonly gatherMs?: (change: Change<T>) => number;
  readonly matters?: (change: Change<T>) => boolean;
  /** Kinds that are read, and whose changes alone mean no work. */
  readonly reads?: readonly Kind[];
  /** Something that is no object has become another: every key is looked at again. */
  readonly dependsOn?: Pick<Changing<unknown>, "onChange">;
  /** Starts what it follows beside these kinds, such as kinds that come and go; `again` has a key looked at after a while. */
  readonly follows?: (
    environment: ControllerEnvironment,
    again: (key: ObjectKey, afterMs: number) => void,
  ) => Disposable;
  /** How many keys are worked on at once; 10 unless said. */
  readonly workers?: number;
  /** The waits between failures of a key, doubling from the first to the longest; 5 ms and 1000 s unless said. */
  readonly failureWaits?: Waits;
  /** Makes the world of this key as it should be. An error means: again, with back-off. */
  reconcile(key: ObjectKey, context: Context): Promise<Outcome>;
}

export type Controller = ControllerDefinition<KubeObject>;

/** What Kubernetes calls a controller in Events. */
export function componentOf({ component, name }: Controller): string {
  return component ?? `${name}-controller`;
}

/** Declares a controller. */
export function defineController<T extends KubeObject>(definition: ControllerDefinition<T>): Controller {
  return definition as unknown as Controller;
}

/** The owner of this kind that controls the object. */
export function controllerOf(kind: string): (object: KubeObject) => readonly ObjectKey[] {
  return (object) => {
    const owner = controllerRef(object);
    return owner?.kind === kind ? [keyOf({ metadata: { ...object.metadata, name: owner.name } })] : [];
  };
}

export interface ControllerEnvironment {
  /** Where its work queue is counted. */
  readonly queues?: QueueMetrics;
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
}

/** Runs a controller; resolves when its informers are filled and its first keys are queued. */
export async function startController(controller: Controller, environment: ControllerEnvironment): Promise<Disposable> {
  const { client, informers, clock } = environment;
  const log = environment.log.part(controller.name);
  const { reconciles, query, watches = [], reads = [] } = controller;
  const own = { kind: reconciles, ...(query && { query }) };
  const cache = await openCache(informers, [own, ...watches, ...reads.map((kind) => ({ kind }))]);
  const component = componentOf(controller);
  const events = openEventRecorder({ client, clock, log, component });

  const stop = new AbortController();
  const pause = (ms: number): Promise<void> => sleep(clock, ms, stop.signal);

  const counts = environment.queues?.of(controller.name, () => queue.length);
  const queue = new WorkQueue({
    clock,
    ...(counts && { counts }),
    workers: controller.workers ?? 10,
    ...(controller.failureWaits && { failureWaits: controller.failureWaits }),
    work: async (key) => {
      const outcome = await controller.reconcile(keyFrom(key), {
        cache,
        client,
        events,
        log,
        now: clock.now(),
        elapsedMs: clock.elapsed(),
        pause,
      });
      return outcome === settled ? undefined : outcome.again.afterMs;
    },
    // Conflicts and vanished objects are everyday life: someone else was faster, and the next round sees it.
    failed: (key, error) =>
      ["Conflict", "NotFound", "AlreadyExists"].some((reason) => isReason(error, reason as "Conflict"))
        ? log.debug("will try again", { key, error })
        : log.warn("did not succeed, will try again", { key, error }),
  });
  const { gatherMs, matters } = controller;
  const itself: Watched = {
    ...own,
    keys: (object) => [keyOf(object)],
    ...(gatherMs && { gatherMs }),
    ...(matters && { matters }),
  };
  const listeners = [itself, ...watches].map((watched) =>
    informers.of(watched.kind, watched.query).onChange((change) => {
      if (watched.matters && !watched.matters(change)) return;
      const waitMs = watched.gatherMs?.(change) ?? 0;
      for (const object of [change.before, change.after])
        if (object) for (const key of watched.keys(object, cache)) queue.addAfter(keyText(key), waitMs);
    }),
  );
  const again = controller.dependsOn?.onChange(() => {
    for (const object of cache.list(reconciles)) queue.add(keyText(keyOf(object)));
  });
  const followed = controller.follows?.({ ...environment, log }, (key, afterMs) =>
    queue.addAfter(keyText(key), afterMs),
  );
  return {
    [Symbol.dispose]() {
      stop.abort();
      again?.[Symbol.dispose]();
      followed?.[Symbol.dispose]();
      for (const listener of listeners) listener[Symbol.dispose]();
      queue[Symbol.dispose]();
      events[Symbol.dispose]();
    },
  };
}
