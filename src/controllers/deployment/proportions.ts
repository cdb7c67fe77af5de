import type { Draft } from "./draft.ts";
import { type Limits, total } from "./limits.ts";

/**
 * Shares a change of size among the ReplicaSets of a rollout that is under way, in proportion to their sizes; what rounding
 * leaves over goes to the largest (Kubernetes docs, "Deployments", section "Proportional scaling").
 */
export function proportions(active: readonly Draft[], limits: Limits, replicasBefore: number): [Draft, number][] {
  const { replicas, maxSurge } = limits;
  const allowed = replicas > 0 ? replicas + maxSurge : 0;
  const toAdd = allowed - total(active, (draft) => draft.replicas);
  // `active` is oldest first. Growth favours the youngest among equals, shrinking the oldest.
  const order = toAdd > 0 ? [...active].reverse() : [...active];
  order.sort((a, b) => b.replicas - a.replicas);

  let added = 0;
  const sizes = order.map((draft): [Draft, number] => {
    const share = toAdd === 0 ? 0 : shareOf(draft, { limits, replicasBefore, left: toAdd - added, growing: toAdd > 0 });
    added += share;
    return [draft, draft.replicas + share];
  });
  const largest = sizes[0];
  if (largest && toAdd !== 0) largest[1] = Math.max(0, largest[1] + toAdd - added);
  return sizes;
}

function shareOf(
  draft: Draft,
  { limits, replicasBefore, left, growing }: { limits: Limits; replicasBefore: number; left: number; growing: boolean },
): number {
  if (draft.replicas === 0 || left === 0) return 0;
  const fair = fairSize(draft, limits, replicasBefore) - draft.replicas;
  return growing ? Math.min(fair, left) : Math.max(fair, left);
}

function fairSize(draft: Draft, { replicas, maxSurge }: Limits, replicasBefore: number): number {
  if (replicas === 0) return 0;
  const maxBefore = draft.max || replicasBefore;
  if (maxBefore === 0) return draft.replicas;
  return Math.round((draft.replicas * (replicas + maxSurge)) / maxBefore);
}
