import { isLeaving } from "../api/object.ts";
import { countedReasons, type Found, fitsNode } from "./cycle.ts";
import type { Plugin } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import { NodeState, type Snapshot } from "./snapshot.ts";

/** What making room would take. */
export type Preemption =
  | { readonly sort: "room"; readonly node: string; readonly victims: readonly PodInfo[] }
  /** `reason` stands behind "preemption: " in FailedScheduling. */
  | { readonly sort: "none"; readonly reason: string };

/** Whether pods of a budget may still be disrupted; each pod asked for once. */
export type BudgetCheck = (pod: PodInfo) => boolean;

const notHelpful = { reasons: ["Preemption is not helpful for scheduling"], curable: false };
const noVictims = { reasons: ["No preemption victims found for incoming pod"], curable: true };

/**
 * Looks for a node where the removal of pods of lower priority makes room (Kubernetes docs, "Pod Priority and Preemption"),
 * and among several for the one where it hurts least.
 */
export function findVictims(
  pod: PodInfo,
  cluster: Snapshot,
  options: {
    readonly plugins: readonly Plugin[];
    readonly found: Extract<Found, { sort: "none" }>;
    readonly mayDisrupt: BudgetCheck;
  },
): Preemption {
  const { plugins, found, mayDisrupt } = options;
  if (pod.spec.preemptionPolicy === "Never") return none("not eligible due to preemptionPolicy=Never.");
  if (waitsForVictims(pod, cluster)) return none("not eligible due to a terminating pod on the nominated node.");

  const verdicts = new Map(
    cluster.list.map(({ name }) => [name, found.rejections.get(name)?.curable ? noVictims : notHelpful]),
  );
  const rooms: Room[] = [];
  for (const node of cluster.list) {
    if (!found.rejections.get(node.name)?.curable) continue;
    const room = makeRoom(pod, node, { cluster, plugins, mayDisrupt });
    if (room) rooms.push(room);
  }
  const chosen = rooms.sort(leastHarm)[0];
  if (chosen) return { sort: "room", node: chosen.node, victims: chosen.victims };
  return none(`0/${cluster.list.length} nodes are available: ${countedReasons(verdicts.values())}.`);
}

const none = (reason: string): Preemption => ({ sort: "none", reason });

/** Room was made for this pod before, and those who make it are still leaving. */
function waitsForVictims(pod: PodInfo, cluster: Snapshot): boolean {
  const nominated = cluster.nodes.get(pod.pod.status?.nominatedNodeName ?? "");
  if (!nominated) return false;
  return [...nominated.pods.values()].some((other) => other.priority < pod.priority && isLeaving(other.pod));
}

interface Room {
  readonly node: string;
  readonly victims: readonly PodInfo[];
  /** How many of the victims are protected by a budget. */
  readonly broken: number;
}

function makeRoom(
  pod: PodInfo,
  node: NodeState,
  { cluster, plugins, mayDisrupt }: { cluster: Snapshot; plugins: readonly Plugin[]; mayDisrupt: BudgetCheck },
): Room | undefined {
  const lower = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return undefined;
  const emptied = new NodeState(
    node.node,
    [...node.pods.values()].filter((other) => other.priority >= pod.priority),
  );
  const fits = (): boolean => fitsNode(pod, cluster.withNode(emptied), plugins, emptied);
  if (!fits()) return undefined;

  // The important ones are spared first, those with a budget before all others.
  const order = lower.sort(moreImportant);
  const protectedOnes = order.filter((other) => !mayDisrupt(other));
  const victims: PodInfo[] = [];
  let broken = 0;
  for (const other of [...protectedOnes, ...order.filter((each) => !protectedOnes.includes(each))]) {
    emptied.add(other);
    if (fits()) continue;
    emptied.remove(other.uid);
    victims.push(other);
    if (protectedOnes.includes(other)) broken++;
  }
  return victims.length > 0 ? { node: node.name, victims: victims.sort(moreImportant), broken } : undefined;
}

function moreImportant(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startedAt(a) - startedAt(b);
}

const startedAt = ({ pod }: PodInfo): number =>
  Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? "") || 0;

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
