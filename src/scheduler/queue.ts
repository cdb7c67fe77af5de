import { delayMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { ClusterChange, Plugin } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";

/** A pod that waits for a node. */
export interface Waiting {
  pod: PodInfo;
  /** How often it was tried. */
  attempts: number;
  /** Which plugins stood in its way when it was last tried. */
  rejectedBy: ReadonlySet<string>;
  place: "active" | "backoff" | "unschedulable";
  /** When its back-off ends. */
  readyAtMs: number;
}

/** kube-scheduler's figures: 1 to 10 seconds between tries of one pod; after five minutes it is tried without a cause. */
const retryWaits = { firstMs: 1000, maxMs: 10_000 };
const hopelessMs = 300_000;

/**
 * Pods without a node. Active ones come up by priority, then by age; one that found no node waits until a change in the
 * cluster may help it, and not before its back-off has ended.
 */
export class SchedulingQueue implements Disposable {
  readonly #clock: Clock;
  readonly #plugins: ReadonlyMap<string, Plugin>;
  readonly #wake: () => void;
  readonly #waiting = new Map<string, Waiting>();
  /** Those in place "active" by priority; each set in the order of arrival. */
  readonly #active = new Map<number, Set<Waiting>>();
  readonly #timers = new Map<string, Disposable>();

  /** `wake` is called when `take` has something to return. */
  constructor(clock: Clock, plugins: readonly Plugin[], wake: () => void) {
    this.#clock = clock;
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    this.#wake = wake;
  }

  /** A pod that is new or has changed. */
  set(pod: PodInfo): void {
    const known = this.#waiting.get(pod.uid);
    if (!known) {
      const rejectedBy = new Set<string>();
      this.#activate(this.#remember({ pod, attempts: 0, rejectedBy, place: "backoff", readyAtMs: 0 }));
      return;
    }
    const wasActive = known.place === "active";
    if (wasActive) this.#deactivate(known);
    const changed = known.pod.pod.metadata.generation !== pod.pod.metadata.generation || labelsDiffer(known.pod, pod);
    known.pod = pod;
    if (wasActive) this.#activate(known);
    else if (changed && known.place === "unschedulable") this.#retry(known);
  }

  remove(uid: string): void {
    const known = this.#waiting.get(uid);
    if (!known) return;
    this.#deactivate(known);
    this.#stopTimer(uid);
    this.#waiting.delete(uid);
  }

  /** The next pod to try. It is no longer in the queue: `reject` puts it back. */
  take(): Waiting | undefined {
    let highest: number | undefined;
    for (const priority of this.#active.keys()) if (highest === undefined || priority > highest) highest = priority;
    if (highest === undefined) return undefined;
    for (const next of this.#active.get(highest) ?? []) {
      this.remove(next.pod.uid);
      next.attempts++;
      return next;
    }
    return undefined;
  }

  /** No node now: it waits for a change that one of these plugins finds helpful. */
  reject(tried: Waiting, rejectedBy: ReadonlySet<string>): void {
    if (this.#waiting.has(tried.pod.uid)) return;
    const entry = this.#remember({ ...tried, rejectedBy, place: "unschedulable", readyAtMs: this.#readyAtMs(tried) });
    this.#startTimer(entry, hopelessMs, () => this.#retry(entry));
  }

  /** Something went wrong that had nothing to do with the pod: again after its back-off. */
  again(tried: Waiting): void {
    if (this.#waiting.has(tried.pod.uid)) return;
    this.#retry(this.#remember({ ...tried, place: "unschedulable", readyAtMs: this.#readyAtMs(tried) }));
  }

  /** Something changed in the cluster: those whom it may help are tried again. */
  changed(change: ClusterChange): void {
    for (const entry of this.#waiting.values()) {
      if (entry.place !== "unschedulable") continue;
      const helps = [...entry.rejectedBy].some((name) => {
        const plugin = this.#plugins.get(name);
        return !plugin?.mayHelp || plugin.mayHelp(entry.pod, change);
      });
      if (helps || entry.rejectedBy.size === 0) this.#retry(entry);
    }
  }

  get(uid: string): Waiting | undefined {
    return this.#waiting.get(uid);
  }

  [Symbol.dispose](): void {
    for (const uid of [...this.#waiting.keys()]) this.remove(uid);
  }

  #readyAtMs({ attempts }: Waiting): number {
    return this.#clock.now() + delayMs(Math.max(0, attempts - 1), retryWaits);
  }

  #retry(entry: Waiting): void {
    this.#stopTimer(entry.pod.uid);
    const waitMs = entry.readyAtMs - this.#clock.now();
    if (waitMs <= 0) {
      this.#activate(entry);
      return;
    }
    entry.place = "backoff";
    this.#startTimer(entry, waitMs, () => this.#activate(entry));
  }

  #remember(entry: Waiting): Waiting {
    this.#waiting.set(entry.pod.uid, entry);
    return entry;
  }

  #activate(entry: Waiting): void {
    entry.place = "active";
    const { priority } = entry.pod;
    const equals = this.#active.get(priority);
    if (equals) equals.add(entry);
    else this.#active.set(priority, new Set([entry]));
    this.#wake();
  }

  #deactivate(entry: Waiting): void {
    const equals = this.#active.get(entry.pod.priority);
    equals?.delete(entry);
    if (equals?.size === 0) this.#active.delete(entry.pod.priority);
  }

  #startTimer({ pod }: Waiting, ms: number, run: () => void): void {
    this.#stopTimer(pod.uid);
    const timer = this.#clock.after(ms, () => {
      this.#timers.delete(pod.uid);
      run();
    });
    this.#timers.set(pod.uid, timer);
  }

  #stopTimer(uid: string): void {
    this.#timers.get(uid)?.[Symbol.dispose]();
    this.#timers.delete(uid);
  }
}

const labelsDiffer = (a: PodInfo, b: PodInfo): boolean => JSON.stringify(a.labels) !== JSON.stringify(b.labels);
