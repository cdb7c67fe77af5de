import { namespace } from "../api/kinds/core/namespace.ts";
import { node } from "../api/kinds/core/node.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { podDisruptionBudget } from "../api/kinds/policy/pod-disruption-budget.ts";
import { keyOf } from "../api/object.ts";
import type { Pod } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { type EventRecorder, openEventRecorder } from "../client/events.ts";
import type { Informers } from "../client/informer.ts";
import { bindVolumes } from "./bind-volumes.ts";
import { budgetCheck } from "./budgets.ts";
import { followCluster } from "./changes.ts";
import { type Configuration, defaultConfiguration } from "./configuration.ts";
import { type Found, findNode, type NoNode, rejectionOf } from "./cycle.ts";
import { type Extender, findNodeWithExtenders, roomsWithExtenders } from "./extenders.ts";
import { type Attempt, SchedulerMetrics } from "./metrics.ts";
import { Nominations } from "./nominations.ts";
import { watchObjects } from "./objects.ts";
import { openOutcomes } from "./outcomes.ts";
import type { Reservation } from "./plugin.ts";
import { type PodInfo, podInfoFrom } from "./pod-info.ts";
import { findRooms, leastHarmful, type Preemption, type Room } from "./preemption.ts";
import { ownChangeMayHelp, type Profile, profileMayHelp } from "./profile.ts";
import { SchedulingQueue, type Waiting } from "./queue.ts";
import { Snapshot } from "./snapshot.ts";

export interface SchedulerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  /** Pods that name a scheduler without a profile here are left alone. One with every plugin unless said. */
  readonly configuration?: Configuration;
  readonly random?: () => number;
  /** Where its tries are counted. */
  readonly metrics?: SchedulerMetrics;
}

/** How long pods are placed at a stretch before requests and events get their turn. */
const stretchMs = 10;

/** Gives every pod a node. Resolves when it has seen the cluster; disposing stops it. */
export async function runScheduler(options: SchedulerOptions): Promise<Disposable> {
  const { client, informers, clock, configuration = defaultConfiguration, random = Math.random } = options;
  const { metrics = new SchedulerMetrics(clock) } = options;
  const log = options.log.part("scheduler");
  const pods = informers.of(pod);
  const nodes = informers.of(node);
  const namespaces = informers.of(namespace);
  const budgets = informers.of(podDisruptionBudget);
  const objects = watchObjects(informers);
  await Promise.all([...[pods, nodes, namespaces, budgets].map(({ synced }) => synced), objects.synced]);

  const stop = new AbortController();
  const profiles = new Map<string, Profile>();
  for (const make of configuration.profiles) {
    const profile = make({
      objects: objects.lookup,
      bindVolumes: (choice, nodeName, signal) => bindVolumes(choice, nodeName, { client, informers, clock, signal }),
    });
    profiles.set(profile.schedulerName, profile);
  }
  const profileOf = (of: Pod): Profile | undefined => profiles.get(of.spec?.schedulerName ?? "default-scheduler");
  const { extenders } = configuration;

  const cluster = new Snapshot((name) => namespaces.get({ name })?.metadata.labels);
  const queue = new SchedulingQueue({
    clock,
    waits: configuration.waits,
    wake: () => wake(),
    ownChangeMayHelp(before, after, rejectedBy) {
      const profile = profileOf(after.pod);
      return profile !== undefined && ownChangeMayHelp(profile, { before, after, rejectedBy });
    },
    mayHelp(info, rejectedBy, change) {
      const profile = profileOf(info.pod);
      return profile !== undefined && profileMayHelp(profile, { pod: info, rejectedBy, change });
    },
  });
  metrics.pending = () => queue.counts();
  const recorders = new Map<string, EventRecorder>();
  const outcomes = openOutcomes({ client, clock, log, events: recorderOf });
  /** Pods whose binding is on its way: their place counts already, whatever the informer still shows. */
  const binding = new Set<string>();
  const nominations = new Nominations();
  let planned = false;
  /** How long pods were placed since other work last had its turn. */
  let spentMs = 0;
  let startAt = 0;

  function recorderOf(component: string): EventRecorder {
    const known = recorders.get(component);
    if (known) return known;
    const recorder = openEventRecorder({ client, clock, log, component });
    recorders.set(component, recorder);
    return recorder;
  }

  function wake(): void {
    if (planned || stop.signal.aborted) return;
    planned = true;
    if (spentMs < stretchMs) {
      // Before the next change is seen: each is answered by itself, also where several arrive together.
      queueMicrotask(placeAll);
      if (spentMs === 0) setImmediate(() => (spentMs = 0));
    } else
      setImmediate(() => {
        spentMs = 0;
        void placeAll();
      });
  }

  async function placeAll(): Promise<void> {
    const [beganMs, spentBeforeMs] = [performance.now(), spentMs];
    for (let next = queue.take(); next && !stop.signal.aborted; next = queue.take()) {
      const asked = place(next);
      if (asked) await asked;
      spentMs = spentBeforeMs + performance.now() - beganMs;
      if (spentMs > stretchMs) {
        planned = false;
        wake();
        return;
      }
    }
    planned = false;
  }

  /** Decides about one pod; a promise only where extenders are asked. */
  function place(waiting: Waiting): Promise<void> | undefined {
    const profile = profileOf(waiting.pod.pod);
    if (!profile) return undefined;
    const interested = extenders.filter((extender) => extender.isInterested(waiting.pod));
    if (interested.length === 0) {
      decide(waiting, profile, search(waiting, profile));
      return undefined;
    }
    const round = { profile, startAt, random, extenders: interested, log };
    return nominations
      .respected(waiting.pod, cluster, () => findNodeWithExtenders(waiting.pod, cluster, round))
      .then(
        (found) => decide(waiting, profile, found),
        (error: unknown) => wentWrong(waiting, "an extender did not answer, will try again", error),
      );
  }

  function ended({ pod: { pod: of }, triedAtMs }: Waiting, result: Attempt): void {
    metrics.tried(of.spec?.schedulerName ?? "default-scheduler", result, triedAtMs);
  }

  /** The try broke off for a reason that is not the pod's. */
  function wentWrong(waiting: Waiting, what: string, error: unknown): void {
    const { pod: info } = waiting;
    ended(waiting, "error");
    log.warn(what, { pod: `${info.namespace}/${info.pod.metadata.name}`, error });
    void outcomes.refuse(info, error instanceof Error ? error.message : String(error), { reason: "SchedulerError" });
    queue.again(waiting);
  }

  function search({ pod: info }: Waiting, profile: Profile): Found {
    return nominations.respected(info, cluster, () => {
      const nominated = cluster.nodes.get(info.pod.status?.nominatedNodeName ?? nominations.nodeOf(info.uid) ?? "");
      if (nominated && !rejectionOf(info, cluster, { profile, node: nominated }))
        return { sort: "node", node: nominated.name };
      const found = findNode(info, cluster, { profile, startAt, random });
      startAt = (startAt + found.looked) % Math.max(1, cluster.list.length);
      return found;
    });
  }

  function decide(waiting: Waiting, profile: Profile, found: Found): void {
    const info = waiting.pod;
    if (found.sort === "none") {
      refuse(waiting, profile, found);
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
    binding.add(info.uid);
    void bind(waiting, found.node, reservations);
  }

  async function bind(waiting: Waiting, nodeName: string, reservations: readonly Reservation[]): Promise<void> {
    const info = waiting.pod;
    const key = keyOf(info.pod);
    let step = 'PreBind plugin "VolumeBinding"';
    try {
      if (reservations.length > 0) await outcomes.nominate(info, nodeName);
      for (const reservation of reservations) await reservation.prepare(stop.signal);
      const binder = extenders.find((extender) => extender.binds && extender.isInterested(info));
      step = binder ? "extender" : 'Bind plugin "DefaultBinder"';
      if (await binder?.bind(info, nodeName)) outcomes.bound(info, nodeName);
      else await outcomes.bind(info, nodeName);
      ended(waiting, "scheduled");
      metrics.placed(waiting.attempts, waiting.seenAtMs);
    } catch (error) {
      cluster.remove(info.uid);
      const current = pods.get(key);
      if (current?.metadata.uid === info.uid && isOurs(current) && !isReason(error, "NotFound"))
        wentWrong(
          { ...waiting, pod: podInfoFrom(current) },
          "binding failed, will try again",
          new Error(`running ${step}: ${(error as Error).message}`, { cause: error }),
        );
    } finally {
      for (const reservation of reservations) reservation.release();
      binding.delete(info.uid);
    }
  }

  function refuse(waiting: Waiting, profile: Profile, found: NoNode): void {
    const info = waiting.pod;
    ended(waiting, "unschedulable");
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
    if (rooms.sort === "none") preempt(info, found, rooms);
    else if (asked.length === 0) preempt(info, found, leastHarmful(rooms.rooms, cluster));
    else void preemptWithExtenders(info, found, { rooms: rooms.rooms, asked });
  }

  async function preemptWithExtenders(
    info: PodInfo,
    found: NoNode,
    { rooms, asked }: { rooms: readonly Room[]; asked: readonly Extender[] },
  ): Promise<void> {
    try {
      preempt(info, found, leastHarmful(await roomsWithExtenders(info, rooms, asked), cluster));
    } catch (error) {
      log.warn("an extender did not say who makes room", { pod: info.pod.metadata.name, error });
      void outcomes.refuse(info, found.message);
    }
  }

  function preempt(info: PodInfo, found: NoNode, preemption: Preemption): void {
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

  const isOurs = (object: Pod): boolean => isSchedulable(object) && profileOf(object) !== undefined;
  const following = followCluster({ informers, objects, cluster, queue, nominations, binding, isOurs });

  return {
    [Symbol.dispose]() {
      stop.abort();
      following[Symbol.dispose]();
      queue[Symbol.dispose]();
      for (const recorder of recorders.values()) recorder[Symbol.dispose]();
    },
  };
}

/** Whether the pod waits for a node and nothing else. */
function isSchedulable({ spec, metadata, status }: Pod): boolean {
  return (
    !spec?.nodeName &&
    !metadata.deletionTimestamp &&
    status?.phase !== "Succeeded" &&
    status?.phase !== "Failed" &&
    !spec?.schedulingGates?.length
  );
}
