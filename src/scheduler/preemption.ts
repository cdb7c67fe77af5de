import { isLeaving } from "../api/object.ts";
import { countedReasons, type NoNode, rejectionOf } from "./cycle.ts";
import type { Rejection } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Profile } from "./profile.ts";
import type { NodeState, Snapshot } from "./snapshot.ts";

/** What making room would take. */
export type Preemption =
  | { readonly sort: "room"; readonly node: string; readonly victims: readonly PodInfo[] }
  /** `reason` stands behind "preemption: " in FailedScheduling. `isHopeless`: room that was being made for the pod is given up. */
  | { readonly sort: "none"; readonly reason: string; readonly isHopeless: boolean };

/** Whether pods of a budget may still be disrupted; each pod asked for once. */
export type BudgetCheck = (pod: PodInfo) => boolean;

const notHelpful = { reasons: ["Preemption is not helpful for scheduling"], curable: false };
const noVictims = { reasons: ["No preemption victims found for incoming pod"], curable: true };
export const preemptionReason = "PreemptionByScheduler";

export interface PreemptionOptions {
  readonly profile: Profile;
  readonly found: NoNode;
  /** Begins to count anew each time it is called. */
  readonly budgets: () => BudgetCheck;
}

/** Where room can be made for a pod, or why nowhere. */
export type Rooms = { readonly sort: "rooms"; readonly rooms: readonly Room[] } | Exclude<Preemption, { sort: "room" }>;

export interface Room {
  readonly node: string;
  readonly victims: readonly PodInfo[];
  /** How many of the victims are protected by a budget. */
  readonly broken: number;
}

/** Among these nodes the one where making room hurts least. */
export function leastHarmful(rooms: readonly Room[], cluster: Snapshot): Preemption {
  const [chosen] = [...rooms].sort(leastHarm);
  if (!chosen) return nowhere(`0/${cluster.list.length} nodes are available: .`);
  return { sort: "room", node: chosen.node, victims: chosen.victims };
}

/**
 * The nodes where the removal of pods of lower priority makes room: enough of them (Kubernetes docs, "Pod Priority and Preemption").
 * Leaves the cluster as it was.
 */
export function findRooms(pod: PodInfo, cluster: Snapshot, options: PreemptionOptions): Rooms {
  const { found, profile } = options;
  if (pod.spec.preemptionPolicy === "Never") return notEligible("not eligible due to preemptionPolicy=Never.");
  if (waitsForVictims(pod, cluster, found))
    return notEligible("not eligible due to a terminating pod on the nominated node.");

  const { leastPercent, leastNodes } = profile.candidates;
  const enough = Math.max(leastNodes, Math.floor((cluster.list.length * leastPercent) / 100));
  const verdicts: Rejection[] = [];
  const rooms: Room[] = [];
  for (const node of cluster.list) {
    if (!found.rejections.get(node.name)?.curable) {
      verdicts.push(notHelpful);
      continue;
    }
    if (rooms.length >= enough) break;
    const room = makeRoom(pod, node, { ...options, cluster });
    if ("victims" in room) rooms.push(room);
    else verdicts.push(room);
  }
  if (rooms.length > 0) return { sort: "rooms", rooms };
  return nowhere(`0/${cluster.list.length} nodes are available: ${countedReasons(verdicts)}.`);
}

const notEligible = (reason: string) => ({ sort: "none", reason, isHopeless: false }) as const;
const nowhere = (reason: string) => ({ sort: "none", reason, isHopeless: true }) as const;

/** Room was made for this pod before, and those who make it are still leaving. */
function waitsForVictims({ pod, priority }: PodInfo, cluster: Snapshot, { rejections }: NoNode): boolean {
  const nominated = cluster.nodes.get(pod.status?.nominatedNodeName ?? "");
  if (!nominated || rejections.get(nominated.name)?.curable === false) return false;
  return [...nominated.pods.values()].some(
    (other) => other.priority < priority && isLeaving(other.pod) && wasPreempted(other),
  );
}

function wasPreempted({ pod }: PodInfo): boolean {
  return (pod.status?.conditions ?? []).some(
    ({ type, status, reason }) => type === "DisruptionTarget" && status === "True" && reason === preemptionReason,
  );
}

/** Who would have to go from this node, or why their going does not help. */
function makeRoom(
  pod: PodInfo,
  node: NodeState,
  { cluster, profile, budgets }: PreemptionOptions & { cluster: Snapshot },
): Room | Rejection {
  const lower = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return noVictims;
  for (const { uid } of lower) cluster.remove(uid);
  try {
    const rejection = rejectionOf(pod, cluster, { profile, node });
    if (rejection) return rejection;

    // The important ones are spared first, those with a budget before all others.
    const order = lower.sort(moreImportant);
    const mayDisrupt = budgets();
    const protectedOnes = new Set(order.filter((other) => !mayDisrupt(other)));
    const victims: PodInfo[] = [];
    let broken = 0;
    for (const other of [...protectedOnes, ...order.filter((each) => !protectedOnes.has(each))]) {
      cluster.place(other, node.name);
      if (!rejectionOf(pod, cluster, { profile, node })) continue;
      cluster.remove(other.uid);
      victims.push(other);
      if (protectedOnes.has(other)) broken++;
    }
    return victims.length > 0 ? { node: node.name, victims: victims.sort(moreImportant), broken } : noVictims;
  } finally {
    for (const other of lower) cluster.place(other, node.name);
  }
}

function moreImportant(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startedAt(a) - startedAt(b);
}

/** One that has not started yet counts as the youngest. */
const startedAt = ({ pod }: PodInfo): number => Date.parse(pod.status?.startTime ?? "") || Number.MAX_SAFE_INTEGER;

/** Fewest broken budgets, then the lowest highest priority, the lowest sum, the fewest victims, the youngest of the highest. */
function leastHarm(a: Room, b: Room): number {
  const highest = ({ victims }: Room): number => victims[0]?.priority ?? 0;
  // Shifted, so that many victims of negative priority do not look cheaper than few.
  const sum = ({ victims }: Room): number => victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
  const earliest = ({ victims }: Room): number =>
    Math.min(...victims.filter(({ priority }) => priority === victims[0]?.priority).map(startedAt));
  return (
    a.broken - b.broken ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    earliest(b) - earliest(a)
  );
}
