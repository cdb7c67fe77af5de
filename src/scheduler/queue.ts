import { delayMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { ClusterChange } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";

/** A pod that waits for a node. */
export interface Waiting {
  pod: PodInfo;
  /** How often it was tried. */
  attempts: number;
  /** When it was first seen, and when it was last tried. */
  seenAtMs: number;
  triedAtMs: number;
  /** Which plugins stood in its way when it was last tried. */
  rejectedBy: ReadonlySet<string>;
  place: "active" | "backoff" | "unschedulable";
  /** When its back-off ends. */
  readyAtMs: number;
  /** Whether the last try broke off for a reason of its own: then its back-off is kept to, however idle the scheduler is. */
  failed: boolean;
}

/** kube-scheduler's figures: 1 to 10 seconds between tries of one pod; after five minutes it is tried without a cause. */
export const usualWaits = { firstMs: 1000, maxMs: 10_000 };
const hopelessMs = 300_000;

/** Whether a change may help a pod that the named plugins rejected. */
export type MayHelp = (pod: PodInfo, rejectedBy: ReadonlySet<string>, change: ClusterChange) => boolean;

/** Whether a change of the pod itself may. */
export type OwnChangeMayHelp = (before: PodInfo, after: PodInfo, rejectedBy: ReadonlySet<string>) => boolean;

export interface QueueOptions {
  readonly clock: Clock;
  readonly mayHelp: MayHelp;
  readonly ownChangeMayHelp: OwnChangeMayHelp;
  /** Called when `take` has something to return. */
  readonly wake: () => void;
  readonly waits?: { readonly firstMs: number; readonly maxMs: number };
}

/**
 * Pods without a node. Active ones come up by priority, then by age; one that found no node waits until a change in the
 * cluster may help it. Its back-off lets the others go first; when there are none, it is not kept waiting.
 */
export class SchedulingQueue implements Disposable {
  readonly #clock: Clock;
  readonly #mayHelp: MayHelp;
  readonly #ownChangeMayHelp: OwnChangeMayHelp;
  readonly #wake: () => void;
  readonly #waits: { readonly firstMs: number; readonly maxMs: number };
  readonly #waiting = new Map<string, Waiting>();
  /** Those in place "active" by priority; each set in the order of arrival. */
  readonly #active = new Map<number, Set<Waiting>>();
  /** Those in place "unschedulable". */
  readonly #unschedulable = new Set<Waiting>();
  /** Those in place "backoff" that a change may have helped. */
  readonly #helped = new Set<Waiting>();
  readonly #timers = new Map<string, Disposable>();

  constructor({ clock, mayHelp, ownChangeMayHelp, wake, waits = usualWaits }: QueueOptions) {
    this.#clock = clock;
    this.#mayHelp = mayHelp;
    this.#ownChangeMayHelp = ownChangeMayHelp;
    this.#wake = wake;
    this.#waits = waits;
  }

  /** A pod that is new or has changed. */
  set(pod: PodInfo): void {
    const known = this.#waiting.get(pod.uid);
    if (!known) {
      const rejectedBy = new Set<string>();
      const times = { seenAtMs: this.#clock.elapsed(), triedAtMs: 0, readyAtMs: 0 };
      this.#activate(this.#remember({ pod, attempts: 0, rejectedBy, place: "backoff", failed: false, ...times }));
      return;
    }
    const wasActive = known.place === "active";
    if (wasActive) this.#deactivate(known);
    const before = known.pod;
    known.pod = pod;
    if (wasActive) this.#activate(known);
    else if (known.place === "unschedulable" && this.#ownChangeMayHelp(before, pod, known.rejectedBy))
      this.#retry(known);
  }

  remove(uid: string): void {
    const known = this.#waiting.get(uid);
    if (!known) return;
    this.#deactivate(known);
    this.#unschedulable.delete(known);
    this.#helped.delete(known);
    this.#stopTimer(uid);
    this.#waiting.delete(uid);
  }

  /** The next pod to try. It is no longer in the queue: `reject` puts it back. */
  take(): Waiting | undefined {
    let highest: number | undefined;
    for (const priority of this.#active.keys()) if (highest === undefined || priority > highest) highest = priority;
    const next = highest === undefined ? this.#firstHelped() : this.#active.get(highest)?.values().next().value;
    if (!next) return undefined;
    this.remove(next.pod.uid);
    next.attempts++;
    next.triedAtMs = this.#clock.elapsed();
    return next;
  }

  #firstHelped(): Waiting | undefined {
    let first: Waiting | undefined;
    for (const entry of this.#helped) if (!first || entry.readyAtMs < first.readyAtMs) first = entry;
    return first;
  }

  /** No node now: it waits for a change that one of these plugins finds helpful. */
  reject(tried: Waiting, rejectedBy: ReadonlySet<string>): void {
    if (this.#waiting.has(tried.pod.uid)) return;
    const readyAtMs = this.#readyAtMs(tried);
    const entry = this.#remember({ ...tried, rejectedBy, place: "unschedulable", readyAtMs, failed: false });
    this.#startTimer(entry, hopelessMs, () => this.#retry(entry));
  }

  /** Something went wrong that had nothing to do with the pod: again after its back-off. */
  again(tried: Waiting): void {
    if (this.#waiting.has(tried.pod.uid)) return;
    const readyAtMs = this.#readyAtMs(tried);
    this.#retry(this.#remember({ ...tried, place: "unschedulable", readyAtMs, failed: true }));
  }

  /** Something changed in the cluster: those whom it may help are tried again. */
  changed(change: ClusterChange): void {
    for (const entry of this.#unschedulable) {
      if (entry.rejectedBy.size === 0 || this.#mayHelp(entry.pod, entry.rejectedBy, change)) this.#retry(entry);
    }
  }

  get(uid: string): Waiting | undefined {
    return this.#waiting.get(uid);
  }

  /** How many wait, by their place. */
  counts(): Record<Waiting["place"], number> {
    const counts = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { place } of this.#waiting.values()) counts[place]++;
    return counts;
  }

  [Symbol.dispose](): void {
    for (const uid of [...this.#waiting.keys()]) this.remove(uid);
  }

  #readyAtMs({ attempts }: Waiting): number {
    return this.#clock.elapsed() + delayMs(Math.max(0, attempts - 1), this.#waits);
  }

  #retry(entry: Waiting): void {
    this.#unschedulable.delete(entry);
    this.#stopTimer(entry.pod.uid);
    const waitMs = entry.readyAtMs - this.#clock.elapsed();
    if (waitMs <= 0) {
      this.#activate(entry);
      return;
    }
    entry.place = "backoff";
    this.#startTimer(entry, waitMs, () => this.#activate(entry));
    if (entry.failed) return;
    this.#helped.add(entry);
    this.#wake();
  }

  #remember(entry: Waiting): Waiting {
    this.#waiting.set(entry.pod.uid, entry);
    if (entry.place === "unschedulable") this.#unschedulable.add(entry);
    return entry;
  }

  #activate(entry: Waiting): void {
    entry.place = "active";
    this.#helped.delete(entry);
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
