import type { FlowSchema, PriorityLevelConfiguration } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import type { Metric } from "../../base/metrics.ts";
import type { Store } from "../../store/contract.ts";
import type { RequestInfo } from "../http/request-info.ts";
import type { UserInfo } from "../user.ts";
import { Classifier, type Flow } from "./classifier.ts";
import { type FlowCounts, Level, type RefusedFor } from "./level.ts";
import { fairnessMetrics } from "./metrics.ts";
import type { Waiting } from "./queues.ts";
import { sharesOf } from "./seats.ts";

export interface FairnessOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Requests that are worked on at once: kube-apiserver's max-requests-inflight and max-mutating-requests-inflight together. */
  readonly seats: number;
}

/** A request that was let in. It is over when `leave` is called, once. */
export interface Turn {
  leave(): void;
}

export interface Asking {
  readonly user: UserInfo;
  readonly info: RequestInfo;
  /** Told at once whose flow it is, whether it gets a turn or not. */
  readonly classified: (schema: FlowSchema, level: PriorityLevelConfiguration) => void;
  /** Aborted when the client has gone. */
  readonly gone: () => AbortSignal;
}

export type Refusal = { readonly refused: RefusedFor };

/** A request that has no seat yet. */
interface Coming {
  readonly level: Level;
  readonly counts: FlowCounts;
  readonly flow: Flow;
}

// As long as Kubernetes lets a request wait: a quarter of the minute that it has.
const waitAtMostMs = 15_000;

const nobodysTurn: Turn = { leave() {} };

/**
 * Bounds how many requests are worked on at once, by the FlowSchemas and PriorityLevelConfigurations in the store (Kubernetes
 * docs, "API Priority and Fairness"). What lasts (watches behind their beginning, logs, exec) is not the caller's to enter.
 */
export class Fairness implements Disposable {
  readonly #clock: Clock;
  readonly #seats: number;
  readonly #classifier: Classifier;
  readonly #levels = new Map<string, Level>();
  /** Seats that levels may lend, and how many of them are taken. */
  #pool = 0;
  #borrowed = 0;

  constructor({ store, clock, seats }: FairnessOptions) {
    this.#clock = clock;
    this.#seats = seats;
    this.#classifier = new Classifier(store);
  }

  /** A turn at once where there is a seat; else a promise of it, or why there is none. */
  enter(asking: Asking): Turn | Refusal | Promise<Turn | Refusal> {
    this.#classifier.refresh((levels) => this.#configure(levels));
    const flow = this.#classifier.classify(asking.user, asking.info);
    const level = flow && this.#levels.get(flow.level.metadata?.name ?? "");
    if (!level) return nobodysTurn;
    asking.classified(flow.schema, flow.level);
    const counts = level.countsOf(flow.schema.metadata?.name ?? "");
    if (level.waiting === 0 && this.#hasSeat(level)) return this.#seat(level, counts);
    return this.#wait({ level, counts, flow }, asking.gone());
  }

  metrics(): Metric[] {
    this.#classifier.refresh((levels) => this.#configure(levels));
    return fairnessMetrics(this.#levels.values());
  }

  #configure(configurations: readonly PriorityLevelConfiguration[]): void {
    const shares = sharesOf(configurations, this.#seats);
    const names = new Set(configurations.map(({ metadata }) => metadata?.name ?? ""));
    // One that was deleted lasts for as long as somebody waits for it.
    for (const [name, level] of this.#levels)
      if (!names.has(name) && level.executing + level.waiting === 0) this.#levels.delete(name);
    for (const configuration of configurations) {
      const name = configuration.metadata?.name ?? "";
      const level = this.#levels.get(name) ?? new Level(name);
      this.#levels.set(name, level);
      level.configure(configuration, shares.get(configuration));
      level.forgetFlows((schema) => this.#classifier.levelNamed(schema) === name);
    }
    this.#pool = 0;
    this.#borrowed = 0;
    for (const level of this.#levels.values()) {
      this.#pool += level.share ? level.share.nominal - level.share.own : 0;
      this.#borrowed += level.borrowed;
    }
    this.#startWaiting();
  }

  #hasSeat({ share, executing }: Level): boolean {
    return !share || executing < share.own || (executing < share.most && this.#borrowed < this.#pool);
  }

  #seat(level: Level, counts: FlowCounts): Turn {
    this.#count(level, 1);
    counts.executing++;
    counts.dispatched++;
    return {
      leave: () => {
        this.#count(level, -1);
        counts.executing--;
        this.#startWaiting();
      },
    };
  }

  #count(level: Level, change: 1 | -1): void {
    this.#borrowed -= level.borrowed;
    level.executing += change;
    this.#borrowed += level.borrowed;
  }

  /** A seat that one level gave back may be what another waits for. */
  #startWaiting(): void {
    for (const level of this.#levels.values()) while (level.waiting > 0 && this.#hasSeat(level)) level.next()?.start();
  }

  #wait({ level, counts, flow }: Coming, gone: AbortSignal): Promise<Turn | Refusal> {
    return new Promise((resolve) => {
      const done = (): void => {
        counts.waiting--;
        timer[Symbol.dispose]();
        gone.removeEventListener("abort", onGone);
      };
      const refuse = (refused: RefusedFor): void => {
        done();
        counts.refused.set(refused, (counts.refused.get(refused) ?? 0) + 1);
        resolve({ refused });
      };
      const waiting: Waiting = {
        flow: `${flow.schema.metadata?.name}\n${flow.distinguisher}`,
        start: () => {
          done();
          resolve(this.#seat(level, counts));
        },
      };
      const giveUp = (reason: RefusedFor): void => {
        level.leave(waiting);
        refuse(reason);
      };
      const onGone = (): void => giveUp("cancelled");
      const timer = this.#clock.after(waitAtMostMs, () => giveUp("time-out"));
      gone.addEventListener("abort", onGone);
      counts.waiting++;
      const refused = level.wait(waiting);
      if (refused) refuse(refused);
    });
  }

  [Symbol.dispose](): void {
    this.#classifier[Symbol.dispose]();
  }
}
