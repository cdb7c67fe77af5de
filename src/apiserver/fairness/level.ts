import { isDeepStrictEqual } from "node:util";
import type { PriorityLevelConfiguration, QueuingConfiguration } from "../../api/schema/types.ts";
import { FlowQueues, type Waiting } from "./queues.ts";
import type { Share } from "./seats.ts";

/** Why a request was refused, as Kubernetes' metrics name it. */
export type RefusedFor = "queue-full" | "concurrency-limit" | "time-out" | "cancelled";

/** What became of the requests of one flow schema. */
export interface FlowCounts {
  executing: number;
  waiting: number;
  dispatched: number;
  readonly refused: Map<RefusedFor, number>;
}

/** A priority level at work: who sits on its seats and who waits for one. */
export class Level {
  readonly name: string;
  uid = "";
  /** Undefined: it is exempt, and nothing bounds it. */
  share: Share | undefined;
  executing = 0;
  /** By flow schema. */
  readonly flows = new Map<string, FlowCounts>();
  #queuing: QueuingConfiguration | undefined;
  #queues: FlowQueues | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Takes a new configuration; what waits, waits in the new queues. */
  configure({ metadata, spec }: PriorityLevelConfiguration, share: Share | undefined): void {
    this.uid = metadata?.uid ?? "";
    this.share = share;
    const { type, queuing } = spec?.limited?.limitResponse ?? { type: "Reject" };
    const wanted = type === "Queue" ? (queuing ?? {}) : undefined;
    if (isDeepStrictEqual(wanted, this.#queuing)) return;
    const before = this.#queues;
    this.#queuing = wanted;
    this.#queues = wanted && new FlowQueues(wanted);
    for (let one = before?.take(); one; one = before?.take()) if (!this.#queues?.add(one)) one.start();
  }

  get waiting(): number {
    return this.#queues?.length ?? 0;
  }

  /** Seats taken of the pool of what levels may lend. */
  get borrowed(): number {
    return this.share ? Math.max(0, this.executing - this.share.own) : 0;
  }

  /** Undefined: the request waits now. */
  wait(waiting: Waiting): RefusedFor | undefined {
    if (!this.#queues) return "concurrency-limit";
    return this.#queues.add(waiting) ? undefined : "queue-full";
  }

  next(): Waiting | undefined {
    return this.#queues?.take();
  }

  leave(waiting: Waiting): void {
    this.#queues?.remove(waiting);
  }

  countsOf(schema: string): FlowCounts {
    const known = this.flows.get(schema);
    if (known) return known;
    const counts: FlowCounts = { executing: 0, waiting: 0, dispatched: 0, refused: new Map() };
    this.flows.set(schema, counts);
    return counts;
  }

  /** Forgets schemas that are no more, or are another level's by now. */
  forgetFlows(isKnown: (schema: string) => boolean): void {
    for (const [schema, { executing, waiting }] of this.flows)
      if (!isKnown(schema) && executing + waiting === 0) this.flows.delete(schema);
  }
}
