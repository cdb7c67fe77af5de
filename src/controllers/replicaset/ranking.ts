import type { ContainerStatus, Pod } from "../../api/schema/types.ts";
import { isReady, podCondition } from "../pods.ts";

/** Everything that decides which pod goes first when there are too many. */
export interface Ranked {
  readonly pod: Pod;
  /** How many pods of the same application share its node. */
  readonly neighbours: number;
}

const phases = ["Pending", "Unknown", "Running"];
export const deletionCost = "controller.kubernetes.io/pod-deletion-cost";

/** The pods in the order in which they should go (Kubernetes docs, "ReplicaSet", section "Scaling a ReplicaSet"). */
export function inOrderOfRemoval(pods: readonly Ranked[], now: number): Pod[] {
  return [...pods].sort((a, b) => compare(a, b, now)).map(({ pod }) => pod);
}

function compare(a: Ranked, b: Ranked, now: number): number {
  return (
    Number(Boolean(a.pod.spec?.nodeName)) - Number(Boolean(b.pod.spec?.nodeName)) ||
    phases.indexOf(a.pod.status?.phase ?? "Pending") - phases.indexOf(b.pod.status?.phase ?? "Pending") ||
    Number(isReady(a.pod)) - Number(isReady(b.pod)) ||
    costOf(a.pod) - costOf(b.pod) ||
    b.neighbours - a.neighbours ||
    (isReady(a.pod) ? younger({ of: a.pod, than: b.pod, by: readySince, now }) : 0) ||
    restartsOf(b.pod) - restartsOf(a.pod) ||
    sidecarRestartsOf(b.pod) - sidecarRestartsOf(a.pod) ||
    younger({ of: a.pod, than: b.pod, by: createdAt, now })
  );
}

/**
 * Younger ones first, but only by orders of magnitude (powers of two) of their age; among equals the uid decides, which is
 * chance: so failures of one age group do not always hit the youngest.
 */
function younger(ages: { of: Pod; than: Pod; by: (pod: Pod) => number; now: number }): number {
  const [a, b] = [ages.by(ages.of), ages.by(ages.than)];
  if (a === b) return 0;
  const magnitude = (sinceMs: number): number =>
    ages.now - sinceMs <= 0 ? -1 : Math.floor(Math.log2((ages.now - sinceMs) * 1e6));
  const difference = magnitude(a) - magnitude(b);
  if (difference !== 0) return difference;
  return (ages.of.metadata.uid ?? "") < (ages.than.metadata.uid ?? "") ? -1 : 1;
}

function costOf({ metadata }: Pod): number {
  const text = metadata.annotations?.[deletionCost] ?? "0";
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

const readySince = (pod: Pod): number => Date.parse(podCondition(pod, "Ready")?.lastTransitionTime ?? "") || 0;
const createdAt = ({ metadata }: Pod): number => Date.parse(metadata.creationTimestamp ?? "") || 0;
const restartsOf = ({ status }: Pod): number => mostRestarts(status?.containerStatuses ?? []);

function sidecarRestartsOf({ spec, status }: Pod): number {
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const names = new Set(sidecars.map(({ name }) => name));
  return mostRestarts((status?.initContainerStatuses ?? []).filter(({ name }) => names.has(name)));
}

function mostRestarts(statuses: readonly ContainerStatus[]): number {
  return Math.max(0, ...statuses.map(({ restartCount }) => restartCount));
}
