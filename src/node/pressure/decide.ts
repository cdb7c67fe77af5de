import { formatQuantity, quantityFromUnits, unitsOf } from "../../api/quantity.ts";
import type { Pod } from "../../api/schema/types.ts";
import { type Thresholds, usualThresholds } from "../eviction-thresholds.ts";
import { isCritical } from "../pod/critical.ts";
import type { SignalName, Signals } from "./signals.ts";

export type PressureCondition = "MemoryPressure" | "DiskPressure" | "PIDPressure";
export type ScarceResource = "memory" | "ephemeral-storage" | "inodes" | "pids";

/** Something of which too little is left. */
export interface Shortage {
  readonly signal: SignalName;
  readonly condition: PressureCondition;
  readonly resource: ScarceResource;
  readonly threshold: number;
  readonly available: number;
}

/** What a pod uses of what is scarce, container by container. */
export interface PodUse {
  readonly pod: Pod;
  readonly used: number;
  readonly containers: readonly { readonly name: string; readonly used: number }[];
}

const watched: readonly Pick<Shortage, "signal" | "condition" | "resource">[] = [
  { signal: "memory.available", condition: "MemoryPressure", resource: "memory" },
  { signal: "nodefs.available", condition: "DiskPressure", resource: "ephemeral-storage" },
  { signal: "nodefs.inodesFree", condition: "DiskPressure", resource: "inodes" },
  { signal: "imagefs.available", condition: "DiskPressure", resource: "ephemeral-storage" },
  { signal: "imagefs.inodesFree", condition: "DiskPressure", resource: "inodes" },
  { signal: "pid.available", condition: "PIDPressure", resource: "pids" },
];

/** What is short; memory, which kills processes when it ends, first. */
export function shortagesIn(signals: Signals, thresholds: Thresholds = usualThresholds): readonly Shortage[] {
  return watched.flatMap((each) => {
    const { available = 0, capacity = 0 } = signals.get(each.signal) ?? {};
    const threshold = thresholds.get(each.signal)?.(capacity) ?? 0;
    // File systems that count no inodes have a capacity of 0.
    return capacity > 0 && available < threshold ? [{ ...each, threshold, available }] : [];
  });
}

/** Who has to go first: who uses more than it asked for, then who matters less, then who uses most beyond what it asked for. */
export function rankForEviction(resource: ScarceResource, uses: readonly PodUse[]): readonly PodUse[] {
  const excess = ({ pod, used }: PodUse) => used - requestOf(pod, resource);
  return uses
    .filter(({ pod }) => isEvictable(pod))
    .toSorted(
      (a, b) => Number(excess(b) > 0) - Number(excess(a) > 0) || priorityOf(a) - priorityOf(b) || excess(b) - excess(a),
    );
}

const priorityOf = ({ pod }: PodUse): number => pod.spec.priority ?? 0;

/** Pods that keep the node alive are not evicted. */
export const isEvictable = (pod: Pod): boolean => !isCritical(pod);

export function requestOf({ spec }: Pod, resource: ScarceResource): number {
  if (resource === "inodes" || resource === "pids") return 0;
  return spec.containers.reduce((sum, { resources }) => sum + unitsOf(resources?.requests?.[resource] ?? "0"), 0);
}

/** The words that users of Kubernetes know from evicted pods. */
export function evictionMessage({ resource, threshold, available }: Shortage, { pod, containers }: PodUse): string {
  const quantity = (units: number) =>
    formatQuantity(
      quantityFromUnits(Math.round(units), resource === "pids" || resource === "inodes" ? "DecimalSI" : "BinarySI"),
    );
  const low = `The node was low on resource: ${resource}. Threshold quantity: ${quantity(threshold)}, available: ${quantity(available)}. `;
  const larger = containers.flatMap(({ name, used }) => {
    const container = pod.spec.containers.find((each) => each.name === name);
    const asked = container?.resources?.requests?.[resource] ?? "0";
    if (used <= unitsOf(asked)) return [];
    return `Container ${name} was using ${quantity(used)}, request is ${asked}, has larger consumption of ${resource}. `;
  });
  return low + larger.join("");
}
