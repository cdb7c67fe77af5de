import { namespace } from "../api/kinds/core/namespace.ts";
import { node } from "../api/kinds/core/node.ts";
import { persistentVolume } from "../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../api/kinds/core/pod.ts";
import { podDisruptionBudget } from "../api/kinds/policy/pod-disruption-budget.ts";
import { storageClass } from "../api/kinds/storage/storage-class.ts";
import { isLeaving, type KubeObject, keyOf } from "../api/object.ts";
import type { Pod, PodCondition } from "../api/schema/types.ts";
import { selects } from "../api/selector.ts";
import { isReason } from "../api/status.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { openEventRecorder } from "../client/events.ts";
import type { Informer, Informers } from "../client/informer.ts";
import { type Found, findNode } from "./cycle.ts";
import { allPlugins } from "./plugins/all.ts";
import { type PodInfo, podInfoFrom } from "./pod-info.ts";
import { findVictims } from "./preemption.ts";
import { SchedulingQueue, type Waiting } from "./queue.ts";
import { NodeState, Snapshot } from "./snapshot.ts";

export interface SchedulerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Log;
  /** Pods that name another scheduler are left alone. */
  readonly schedulerName?: string;
  readonly random?: () => number;
}

/** How long pods are placed at a stretch before requests and events get their turn. */
const stretchMs = 10;

/** Gives every pod a node. Resolves when it has seen the cluster; disposing stops it. */
export async function runScheduler(options: SchedulerOptions): Promise<Disposable> {
  const { client, informers, clock, schedulerName = "default-scheduler", random = Math.random } = options;
  const log = options.log.part("scheduler");
  const pods = informers.of(pod);
  const nodes = informers.of(node);
  const namespaces = informers.of(namespace);
  const claims = informers.of(persistentVolumeClaim);
  const volumes = informers.of(persistentVolume);
  const classes = informers.of(storageClass);
  const budgets = informers.of(podDisruptionBudget);
  await Promise.all([pods, nodes, namespaces, claims, volumes, classes, budgets].map(({ synced }) => synced));

  const plugins = allPlugins({
    claim: (inNamespace, name) => claims.get({ namespace: inNamespace, name }),
    volume: (name) => volumes.get({ name }),
    storageClass: (name) => classes.get({ name }),
  });
  const cluster = new Snapshot((name) => namespaces.get({ name })?.metadata.labels);
  const queue = new SchedulingQueue(clock, plugins, () => wake());
  const events = openEventRecorder({ client, clock, log, component: schedulerName });
  /** Pods whose binding is on its way: their place counts already, whatever the informer still shows. */
  const binding = new Set<string>();
  /** Pods for which others had to go: the room is theirs until they are bound. */
  const nominated = new Map<string, { readonly pod: PodInfo; readonly node: string }>();
  let planned = false;
  let stopped = false;
  let startAt = 0;

  function wake(): void {
    if (planned || stopped) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      const beganMs = performance.now();
      for (let next = queue.take(); next && !stopped; next = queue.take()) {
        place(next);
        if (performance.now() - beganMs > stretchMs) {
          wake();
          return;
        }
      }
    });
  }

  function place(waiting: Waiting): void {
    const found = findNode(waiting.pod, clusterFor(waiting.pod), { plugins, startAt, random });
    startAt = (startAt + found.looked) % Math.max(1, cluster.list.length);
    if (found.sort === "none") {
      refuse(waiting, found);
      return;
    }
    cluster.place(waiting.pod, found.node);
    binding.add(waiting.pod.uid);
    void bind(waiting, found.node);
  }

  /** The cluster as a pod may use it: room that was made for one at least as important is taken. */
  function clusterFor({ uid, priority }: PodInfo): Snapshot {
    let view = cluster;
    for (const { pod: other, node: name } of nominated.values()) {
      const there = view.nodes.get(name);
      if (!there || other.uid === uid || other.priority < priority || cluster.holds(other.uid)) continue;
      view = view.withNode(new NodeState(there.node, [...there.pods.values(), other]));
    }
    return view;
  }

  async function bind(waiting: Waiting, nodeName: string): Promise<void> {
    const { metadata } = waiting.pod.pod;
    const key = keyOf(waiting.pod.pod);
    try {
      await selectNodeForClaims(waiting.pod, nodeName);
      const target = { apiVersion: "v1", kind: "Node", name: nodeName };
      const { name, namespace: inNamespace = "", uid = "" } = metadata;
      const body = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace: inNamespace, uid }, target };
      await client.post(pod, key, "binding", body);
      const message = `Successfully assigned ${key.namespace}/${key.name} to ${nodeName}`;
      events.record(waiting.pod.pod, { type: "Normal", reason: "Scheduled", action: "Binding", message });
    } catch (error) {
      cluster.remove(waiting.pod.uid);
      const current = pods.get(key);
      if (current?.metadata.uid === metadata.uid && current && isOurs(current) && !isReason(error, "NotFound")) {
        log.warn("binding failed, will try again", { pod: `${key.namespace}/${key.name}`, error });
        queue.again({ ...waiting, pod: podInfoFrom(current) });
      }
    } finally {
      binding.delete(waiting.pod.uid);
    }
  }

  /** Claims that are bound at their first use learn for which node; the provisioner takes it from there. */
  async function selectNodeForClaims({ spec, namespace: inNamespace }: PodInfo, nodeName: string): Promise<void> {
    for (const { persistentVolumeClaim: use } of spec.volumes ?? []) {
      const claim = use && claims.get({ namespace: inNamespace, name: use.claimName });
      if (!claim || claim.spec?.volumeName || claim.metadata.annotations?.[selectedNode] === nodeName) continue;
      const document = { metadata: { annotations: { [selectedNode]: nodeName } } };
      await client.patch(persistentVolumeClaim, keyOf(claim), { type: "merge", document });
    }
  }

  function refuse(waiting: Waiting, found: Extract<Found, { sort: "none" }>): void {
    const info = waiting.pod;
    queue.reject(waiting, found.rejectedBy);
    const preemption = found.nowhere
      ? undefined
      : findVictims(info, cluster, { plugins, found, mayDisrupt: mayDisrupt() });
    const makesRoom = preemption?.sort === "room";
    const message =
      preemption?.sort === "none"
        ? `${found.message} no new claims to deallocate, preemption: ${preemption.reason}`
        : found.message;
    events.record(info.pod, { type: "Warning", reason: "FailedScheduling", action: "Scheduling", message });
    if (makesRoom) nominated.set(info.uid, { pod: info, node: preemption.node });
    void report(info.pod, message, makesRoom ? preemption.node : undefined).then(() =>
      makesRoom ? preempt(info, preemption.node, preemption.victims) : undefined,
    );
  }

  async function report(waiting: Pod, message: string, nominatedNodeName: string | undefined): Promise<void> {
    const condition = unschedulable(waiting, message, clock.now());
    const before = waiting.status?.conditions ?? [];
    if (!condition && !nominatedNodeName) return;
    const others = before.filter(({ type }) => type !== "PodScheduled");
    const document = {
      status: {
        ...(condition && { conditions: [...others, condition] }),
        ...(nominatedNodeName && { nominatedNodeName }),
      },
    };
    try {
      await client.patch(pod, keyOf(waiting), { type: "strategic", document }, { subresource: "status" });
    } catch (error) {
      if (!isReason(error, "NotFound")) log.warn("condition not written", { pod: waiting.metadata.name, error });
    }
  }

  async function preempt(info: PodInfo, nodeName: string, victims: readonly PodInfo[]): Promise<void> {
    await Promise.all(
      victims.map(async ({ pod: victim }) => {
        try {
          const condition = disruptedBy(schedulerName, clock.now());
          const others = (victim.status?.conditions ?? []).filter(({ type }) => type !== condition.type);
          const document = { status: { conditions: [...others, condition] } };
          await client.patch(pod, keyOf(victim), { type: "strategic", document }, { subresource: "status" });
          await client.delete(pod, keyOf(victim), { preconditions: { uid: victim.metadata.uid } });
          const message = `Preempted by pod ${info.uid} on node ${nodeName}`;
          events.record(victim, { type: "Normal", reason: "Preempted", action: "Preempting", message });
        } catch (error) {
          if (!isReason(error, "NotFound")) log.warn("pod not preempted", { pod: victim.metadata.name, error });
        }
      }),
    );
  }

  /** Counts down what the budgets allow, from pod to pod. */
  function mayDisrupt(): (info: PodInfo) => boolean {
    const left = new Map(budgets.list().map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
    return ({ namespace: inNamespace, labels }) => {
      let allowed = true;
      for (const [budget, count] of left) {
        if (budget.metadata.namespace !== inNamespace || !selects(budget.spec?.selector, labels)) continue;
        if (count <= 0) allowed = false;
        left.set(budget, count - 1);
      }
      return allowed;
    };
  }

  const isOurs = (object: Pod): boolean =>
    !object.spec?.nodeName &&
    !isLeaving(object) &&
    !hasEnded(object) &&
    !object.spec?.schedulingGates?.length &&
    (object.spec?.schedulerName ?? "default-scheduler") === schedulerName;

  const volumeChanges = <T extends KubeObject>(informer: Informer<T>): Disposable =>
    informer.onChange(({ before, after }) => queue.changed({ of: "volume", before, after }));

  const listeners = [
    nodes.onChange(({ before, after }) => {
      if (after) cluster.setNode(after);
      else if (before) cluster.removeNode(before.metadata.name);
      if (!before || !after || nodeMatters(before, after)) queue.changed({ of: "node", before, after });
    }),
    pods.onChange(({ before, after }) => {
      const uid = (after ?? before)?.metadata.uid ?? "";
      if (after && isOurs(after)) {
        const info = podInfoFrom(after);
        if (after.status?.nominatedNodeName) nominated.set(uid, { pod: info, node: after.status.nominatedNodeName });
        if (!binding.has(uid)) queue.set(info);
        return;
      }
      queue.remove(uid);
      if (nominated.delete(uid) && before) queue.changed({ of: "pod", before: podInfoFrom(before) });
      const held = cluster.holds(uid);
      if (!after?.spec?.nodeName || hasEnded(after)) {
        if (!held || (binding.has(uid) && after && !hasEnded(after))) return;
        cluster.remove(uid);
        queue.changed({ of: "pod", before: before && podInfoFrom(before) });
        return;
      }
      const info = podInfoFrom(after);
      cluster.place(info, after.spec.nodeName);
      const isNew = !before?.spec?.nodeName;
      if (isNew || podMatters(before, after))
        queue.changed({ of: "pod", before: isNew ? undefined : podInfoFrom(before), after: info });
    }),
    volumeChanges(claims),
    volumeChanges(volumes),
    volumeChanges(classes),
  ];

  return {
    [Symbol.dispose]() {
      stopped = true;
      for (const listener of listeners) listener[Symbol.dispose]();
      queue[Symbol.dispose]();
      events[Symbol.dispose]();
    },
  };
}

const selectedNode = "volume.kubernetes.io/selected-node";

function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** The condition that tells why there is no node; undefined when the pod says so already. */
function unschedulable({ metadata, status }: Pod, message: string, now: number): PodCondition | undefined {
  const before = status?.conditions?.find(({ type }) => type === "PodScheduled");
  const same = before?.status === "False" && before.reason === "Unschedulable";
  if (same && before.message === message && before.observedGeneration === metadata.generation) return undefined;
  return {
    type: "PodScheduled",
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    status: "False",
    lastTransitionTime: (before?.status === "False" && before.lastTransitionTime) || secondText(now),
    reason: "Unschedulable",
    message,
  };
}

function disruptedBy(schedulerName: string, now: number): PodCondition {
  return {
    type: "DisruptionTarget",
    status: "True",
    lastTransitionTime: secondText(now),
    reason: "PreemptionByScheduler",
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
  };
}

const secondText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** Heartbeats change a node every few seconds and no pod's chances. */
function nodeMatters(before: KubeObject & { spec?: unknown; status?: object }, after: typeof before): boolean {
  const relevant = ({ metadata, spec, status }: typeof before): string => {
    const { allocatable, conditions } = (status ?? {}) as { allocatable?: unknown; conditions?: { status: string }[] };
    return JSON.stringify([metadata.labels, metadata.annotations, spec, allocatable, conditions?.map((c) => c.status)]);
  };
  return relevant(before) !== relevant(after);
}

function podMatters(before: Pod, after: Pod): boolean {
  return (
    before.metadata.generation !== after.metadata.generation ||
    JSON.stringify(before.metadata.labels) !== JSON.stringify(after.metadata.labels)
  );
}
