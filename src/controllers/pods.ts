import { isLeaving } from "../api/object.ts";
import { hasEnded } from "../api/pod-phase.ts";
import type { Pod, PodCondition, PodTemplateSpec } from "../api/schema/types.ts";
import type { Unsaved } from "../client/client.ts";
import { soonest } from "./soonest.ts";

/** Whether the pod still counts: neither ended nor leaving. */
export function isActive(pod: Pod): boolean {
  return !hasEnded(pod) && !isLeaving(pod);
}

export function isReady(pod: Pod): boolean {
  return podCondition(pod, "Ready")?.status === "True";
}

export function podCondition({ status }: Pod, type: string): PodCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** How long until a ready pod counts as available; 0 when it does, undefined when it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, now: number): number | undefined {
  const ready = podCondition(pod, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  if (!ready.lastTransitionTime) return undefined;
  return Math.max(0, Date.parse(ready.lastTransitionTime) + minReadySeconds * 1000 - now);
}

/** How long until the next of the ready pods counts as available; undefined when all of them do. */
export function nextAvailableMs(pods: readonly Pod[], minReadySeconds: number, now: number): number | undefined {
  return soonest(pods.map((pod) => availableInMs(pod, minReadySeconds, now) || undefined));
}

/** A pod as a template describes it, still without name and owner. */
export function podFromTemplate({ metadata, spec }: PodTemplateSpec, namespace: string): Unsaved<Pod> {
  const { labels, annotations, finalizers } = metadata ?? {};
  return structuredClone({
    metadata: {
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
    },
    spec: spec ?? { containers: [] },
  });
}

/** What the names of an owner's objects begin with; the server cuts it so that the suffix fits. */
export function generateNameFrom(owner: string): string {
  return `${owner}-`;
}
