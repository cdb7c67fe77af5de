import { isLeaving, keyOf } from "../api/object.ts";
import { hasEnded } from "../api/pod-phase.ts";
import type { Pod, PodDisruptionBudget } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import type { Log } from "../base/log.ts";
import type { Informer } from "../client/informer.ts";
import { budgetCheck } from "./budgets.ts";
import { type Found, findNode, type NoNode, rejectionOf } from "./cycle.ts";
import { type Extender, findNodeWithExtenders, roomsWithExtenders } from "./extenders.ts";
import type { Attempt, SchedulerMetrics } from "./metrics.ts";
import type { Nominations } from "./nominations.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Reservation } from "./plugin.ts";
import { type PodInfo, podInfoFrom } from "./pod-info.ts";
import { findRooms, leastHarmful, type Preemption, type Room } from "./preemption.ts";
import { type Profile, schedulerNameOf } from "./profile.ts";
import type { SchedulingQueue, Waiting } from "./queue.ts";
import type { Snapshot } from "./snapshot.ts";

export interface PlacingParts {
  readonly cluster: Snapshot;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
  readonly outcomes: Outcomes;
  readonly extenders: readonly Extender[];
  readonly metrics: SchedulerMetrics;
  readonly pods: Informer<Pod>;
  readonly budgets: Informer<PodDisruptionBudget>;
  /** Undefined for pods of another scheduler. */
  readonly profileOf: (of: Pod) => Profile | undefined;
  /** A number from 0 up to 1, for choosing among equals. */
  readonly random: () => number;
  readonly stop: AbortSignal;
  readonly log: Log;
}

/** Decides about one pod after the other: gives it a node and has it bound, makes room for it, or has it wait. */
export class Placing {
  readonly #parts: PlacingParts;
  readonly #binding = new Set<string>();
  /** At which node the next search begins. */
  #startAt = 0;

  constructor(parts: PlacingParts) {
    this.#parts = parts;
  }

  /** Pods whose binding is on its way: their place counts already, whatever the informer still shows. */
  get binding(): ReadonlySet<string> {
    return this.#binding;
  }

  /** Whether the pod waits for a node, and for one from here. */
  isOurs(object: Pod): boolean {
    return isSchedulable(object) && this.#parts.profileOf(object) !== undefined;
  }

  /** Decides about a pod; a promise only where extenders are asked. */
  place(waiting: Waiting): Promise<void> | undefined {
    const { profileOf, extenders, nominations, cluster, random, log } = this.#parts;
    const profile = profileOf(waiting.pod.pod);
    if (!profile) return undefined;
    const interested = extenders.filter((extender) => extender.isInterested(waiting.pod));
    if (interested.length === 0) {
      this.#decide(waiting, profile, this.#search(waiting, profile));
      return undefined;
    }
    const round = { profile, startAt: this.#startAt, random, extenders: interested, log };
    return nominations
      .respected(waiting.pod, cluster, () => findNodeWithExtenders(waiting.pod, cluster, round))
      .then(
        (found) => this.#decide(waiting, profile, found),
        (error: unknown) => this.#wentWrong(waiting, "an extender did not answer, will try again", error),
      );
  }

  #search({ pod: info }: Waiting, profile: Profile): Found {
    const { nominations, cluster, random } = this.#parts;
    return nominations.respected(info, cluster, () => {
      const nominated = cluster.nodes.get(info.pod.status?.nominatedNodeName ?? nominations.nodeOf(info.uid) ?? "");
      if (nominated && !rejectionOf(info, cluster, { profile, node: nominated }))
        return { sort: "node", node: nominated.name };
      const found = findNode(info, cluster, { profile, startAt: this.#startAt, random });
      this.#startAt = (this.#startAt + found.looked) % Math.max(1, cluster.list.length);
      return found;
    });
  }

  #decide(waiting: Waiting, profile: Profile, found: Found): void {
    const { cluster, nominations, queue } = this.#parts;
    const info = waiting.pod;
    if (found.sort === "none") {
      this.#refuse(waiting, profile, found);
      return;
    }
    const chosen = cluster.nodes.get(found.node);
    // With the pods there that only hold a room, it fitted; it must fit without them too.
    if (!chosen || (nominations.isWanted(found.node) && rejectionOf(info, cluster, { profile, node: chosen }))) {
      queue.again(waiting);
      return;
    }
    const reservations = profile.reservers.flatMap((plugin) => plugin.reserve?.(info, chosen) ?? []);
    cluster.place(info, found.node);
    this.#binding.add(info.uid);
    void this.#bind(waiting, found.node, reservations);
  }

  async #bind(waiting: Waiting, nodeName: string, reservations: readonly Reservation[]): Promise<void> {
    const { cluster, extenders, outcomes, metrics, pods, stop } = this.#parts;
    const info = waiting.pod;
    let step = 'PreBind plugin "VolumeBinding"';
    try {
      if (reservations.length > 0) await outcomes.nominate(info, nodeName);
      for (const reservation of reservations) await reservation.prepare(stop);
      const binder = extenders.find((extender) => extender.binds && extender.isInterested(info));
      step = binder ? "extender" : 'Bind plugin "DefaultBinder"';
      if (await binder?.bind(info, nodeName)) outcomes.bound(info, nodeName);
      else await outcomes.bind(info, nodeName);
      this.#ended(waiting, "scheduled");
      metrics.placed(waiting.attempts, waiting.seenAtMs);
    } catch (error) {
      cluster.remove(info.uid);
      const current = pods.get(keyOf(info.pod));
      if (current?.metadata.uid === info.uid && this.isOurs(current) && !isReason(error, "NotFound"))
        this.#wentWrong(
          { ...waiting, pod: podInfoFrom(current) },
          "binding failed, will try again",
          new Error(`running ${step}: ${(error as Error).message}`, { cause: error }),
        );
    } finally {
      for (const reservation of reservations) reservation.release();
      this.#binding.delete(info.uid);
    }
  }

  #refuse(waiting: Waiting, profile: Profile, found: NoNode): void {
    const { cluster, queue, outcomes, metrics, nominations, budgets, extenders } = this.#parts;
    const info = waiting.pod;
    this.#ended(waiting, "unschedulable");
    queue.reject(waiting, found.rejectedBy);
    if (found.nowhere || !profile.preempts) {
      void outcomes.refuse(info, found.message);
      return;
    }
    metrics.preempted();
    const all = budgets.list();
    const rooms = nominations.respected(info, cluster, () =>
      findRooms(info, cluster, { profile, found, budgets: () => budgetCheck(all) }),
    );
    const asked = extenders.filter((extender) => extender.preempts && extender.isInterested(info));
    if (rooms.sort === "none") this.#preempt(info, found, rooms);
    else if (asked.length === 0) this.#preempt(info, found, leastHarmful(rooms.rooms, cluster));
    else void this.#preemptWithExtenders(info, found, { rooms: rooms.rooms, asked });
  }

  async #preemptWithExtenders(
    info: PodInfo,
    found: NoNode,
    { rooms, asked }: { rooms: readonly Room[]; asked: readonly Extender[] },
  ): Promise<void> {
    const { cluster, outcomes, log } = this.#parts;
    try {
      this.#preempt(info, found, leastHarmful(await roomsWithExtenders(info, rooms, asked), cluster));
    } catch (error) {
      log.warn("an extender did not say who makes room", { pod: info.pod.metadata.name, error });
      void outcomes.refuse(info, found.message);
    }
  }

  #preempt(info: PodInfo, found: NoNode, preemption: Preemption): void {
    const { outcomes, nominations } = this.#parts;
    if (preemption.sort === "none") {
      // What kube-scheduler says first of the pod's claims for devices, and then of other pods.
      const claims = info.spec.resourceClaims?.length ? "still not schedulable" : "no new claims to deallocate";
      const message = `${found.message} ${claims}, preemption: ${preemption.reason}`;
      const givesUp = preemption.isHopeless && info.pod.status?.nominatedNodeName !== undefined;
      if (givesUp) nominations.delete(info.uid);
      void outcomes.refuse(info, message, givesUp ? { nominatedNodeName: null } : {});
      return;
    }
    const { node: nodeName, victims } = preemption;
    for (const other of nominations.below(info.priority, nodeName)) {
      nominations.delete(other.uid);
      void outcomes.nominate(other, undefined);
    }
    nominations.set(info, nodeName);
    void outcomes
      .refuse(info, found.message, { nominatedNodeName: nodeName })
      .then(() => outcomes.preempt(info, nodeName, victims));
  }

  /** The try broke off for a reason that is not the pod's. */
  #wentWrong(waiting: Waiting, what: string, error: unknown): void {
    const { outcomes, queue, log } = this.#parts;
    const { pod: info } = waiting;
    this.#ended(waiting, "error");
    log.warn(what, { pod: `${info.namespace}/${info.pod.metadata.name}`, error });
    void outcomes.refuse(info, error instanceof Error ? error.message : String(error), { reason: "SchedulerError" });
    queue.again(waiting);
  }

  #ended({ pod: { pod: of }, triedAtMs }: Waiting, result: Attempt): void {
    this.#parts.metrics.tried(schedulerNameOf(of), result, triedAtMs);
  }
}

/** Whether the pod waits for a node and nothing else. */
function isSchedulable(object: Pod): boolean {
  return !object.spec.nodeName && !isLeaving(object) && !hasEnded(object) && !object.spec.schedulingGates?.length;
}
