import type { Deployment, DeploymentStatus } from "../../api/schema/types.ts";

/** How many there should be, and how far a rollout may stray from that. */
export interface Limits {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Percentages of surge are rounded up, of unavailability down; if both come to nothing, one may be unavailable. */
export function limitsOf({ spec }: Deployment): Limits {
  const replicas = spec.replicas ?? 1;
  if (spec.strategy?.type === "Recreate") return { replicas, maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = spec.strategy?.rollingUpdate ?? {};
  const surge = countFrom(maxSurge, replicas, Math.ceil);
  const unavailable = countFrom(maxUnavailable, replicas, Math.floor);
  const least = surge === 0 && unavailable === 0 ? 1 : unavailable;
  return { replicas, maxSurge: surge, maxUnavailable: Math.min(replicas, least) };
}

/** How long a rollout may stand still; the greatest number means: for ever. */
export function deadlineOf({ spec: { progressDeadlineSeconds: seconds } }: Deployment): number | undefined {
  return seconds === 0x7fffffff ? undefined : seconds;
}

/** A number, or a percentage of a whole. */
export function countFrom(value: number | string, whole: number, round: (exact: number) => number): number {
  return typeof value === "number" ? value : round((Number.parseInt(value, 10) * whole) / 100);
}

export function total<T>(items: readonly T[], count: (item: T) => number): number {
  return items.reduce((sum, item) => sum + count(item), 0);
}

export function onlyActive<T extends { readonly replicas: number }>(items: readonly T[]): T[] {
  return items.filter(({ replicas }) => replicas > 0);
}

export function isComplete({ spec, metadata }: Deployment, status: DeploymentStatus): boolean {
  const replicas = spec.replicas ?? 1;
  const { updatedReplicas = 0, replicas: there = 0, availableReplicas = 0, observedGeneration = 0 } = status;
  return (
    updatedReplicas === replicas &&
    there === replicas &&
    availableReplicas === replicas &&
    observedGeneration >= (metadata.generation ?? 0)
  );
}

export const annotation = {
  revision: "deployment.kubernetes.io/revision",
  history: "deployment.kubernetes.io/revision-history",
  desired: "deployment.kubernetes.io/desired-replicas",
  max: "deployment.kubernetes.io/max-replicas",
} as const;

const keptBack: readonly string[] = [
  ...Object.values(annotation),
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
];

/** The annotations that a Deployment hands on to its newest ReplicaSet. */
export function copiedAnnotations({ metadata }: Deployment): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !keptBack.includes(name)));
}
