import { isLeaving, type KubeObject } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Pod, PodTemplateSpec, ReplicaSetCondition } from "../../api/schema/types.ts";
import { type LabelSelector, selects, selectsAll } from "../../api/selector.ts";
import { withoutZeros } from "../conditions.ts";
import { type Claim, claim } from "../ownership.ts";
import { availableInMs, isActive, isReady, nextAvailableMs } from "../pods.ts";
import { inOrderOfRemoval } from "./ranking.ts";

/** A ReplicaSet or a ReplicationController, by what they have in common. */
export interface Replicas {
  readonly owner: KubeObject;
  readonly replicas: number;
  readonly minReadySeconds: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplateSpec;
  readonly conditions: readonly ReplicaSetCondition[];
  /** Whether the status says how many pods are terminating. */
  readonly countsTerminating: boolean;
}

/** What the informers held when the key came up. */
export interface Observed {
  readonly wanted: Replicas;
  /** The pods that `wanted` controls. */
  readonly controlled: readonly Pod[];
  /** The pods of its namespace that nobody controls. */
  readonly orphans: readonly Pod[];
  /** All pods of the application, other versions included: pods on crowded nodes go first. */
  readonly related: readonly Pod[];
  readonly now: number;
}

/** What should happen next. */
export interface Decision {
  readonly claim: Claim<Pod>;
  readonly create: number;
  readonly remove: readonly Pod[];
  /** The status but for the condition ReplicaFailure, which depends on how creating and removing went. */
  readonly status: ReplicaCounts;
  /** When a pod that is ready now will count as available. */
  readonly againMs: number | undefined;
}

export interface ReplicaCounts {
  replicas: number;
  fullyLabeledReplicas?: number;
  readyReplicas?: number;
  availableReplicas?: number;
  terminatingReplicas?: number;
  observedGeneration?: number;
}

/** As many as one round creates or removes at most, as in Kubernetes. */
const burst = 500;

export function decide({ wanted, controlled, orphans, related, now }: Observed): Decision {
  // Pods that have ended or are leaving stay whose they are: nobody takes them in or lets them go any more.
  const claimed = claim({
    owner: wanted.owner,
    selector: wanted.selector,
    controlled: controlled.filter(isActive),
    orphans: orphans.filter(isActive),
  });
  const active = claimed.owned;
  const terminating = controlled.filter(
    (pod) => isLeaving(pod) && !hasEnded(pod) && selects(wanted.selector, pod.metadata.labels),
  );
  const missing = isLeaving(wanted.owner) ? 0 : wanted.replicas - active.length;
  return {
    claim: claimed,
    create: Math.min(burst, Math.max(0, missing)),
    remove: missing < 0 ? surplus(active, { count: Math.min(burst, -missing), related, now }) : [],
    status: statusOf(wanted, { active, terminating, now }),
    againMs: nextAvailableMs(active, wanted.minReadySeconds, now),
  };
}

function surplus(
  active: readonly Pod[],
  { count, related, now }: { count: number; related: readonly Pod[]; now: number },
): Pod[] {
  const perNode = new Map<string | undefined, number>();
  for (const pod of related.filter(isActive))
    perNode.set(pod.spec?.nodeName, (perNode.get(pod.spec?.nodeName) ?? 0) + 1);
  const ranked = active.map((pod) => ({ pod, neighbours: perNode.get(pod.spec?.nodeName) ?? 0 }));
  return inOrderOfRemoval(ranked, now).slice(0, count);
}

function statusOf(
  { owner, template, minReadySeconds, countsTerminating }: Replicas,
  { active, terminating, now }: { active: readonly Pod[]; terminating: readonly Pod[]; now: number },
): ReplicaCounts {
  const labels = template.metadata?.labels ?? {};
  const count = (test: (pod: Pod) => boolean): number => active.filter(test).length;
  return {
    replicas: active.length,
    ...withoutZeros({
      fullyLabeledReplicas: count(({ metadata }) => selectsAll(labels, metadata.labels)),
      readyReplicas: count(isReady),
      availableReplicas: count((pod) => availableInMs(pod, minReadySeconds, now) === 0),
    }),
    ...(countsTerminating && { terminatingReplicas: terminating.length }),
    ...(owner.metadata.generation !== undefined && { observedGeneration: owner.metadata.generation }),
  };
}
