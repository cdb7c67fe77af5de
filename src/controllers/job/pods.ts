import { isLeaving } from "../../api/object.ts";
import type { Job, Pod } from "../../api/schema/types.ts";
import type { Unsaved } from "../../client/client.ts";
import { podFromTemplate } from "../pods.ts";
import { verdictOn } from "./failure-policy.ts";
import { indexName, indexOf } from "./indexes.ts";

/** Keeps a pod there until it has been counted. */
export const tracking = "batch.kubernetes.io/job-tracking";
const failureCount = "batch.kubernetes.io/job-index-failure-count";
const ignoredFailureCount = "batch.kubernetes.io/job-index-ignored-failure-count";

export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(tracking) === true;
export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === "Indexed";
export const hasSucceeded = ({ status }: Pod): boolean => status?.phase === "Succeeded";

/** Whether a pod counts as failed: one that is leaving does too, unless the Job wants to wait for its end. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === "Failed") return true;
  return isLeaving(pod) && !hasSucceeded(pod) && job.spec.podReplacementPolicy !== "Failed";
}

/** How often pods of its index had failed when this one was made. */
export function failuresBefore({ metadata }: Pod): number {
  return Number.parseInt(metadata.annotations?.[failureCount] ?? "0", 10) || 0;
}

/** When the pod ended, as far as it can be known. */
export function endedAt({ metadata, status }: Pod, now: number): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ""));
  if (ends.length > 0 && !ends.some(Number.isNaN)) return Math.max(...ends);
  const leaving = Date.parse(metadata.deletionTimestamp ?? "");
  if (!Number.isNaN(leaving)) return leaving - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  return Date.parse(ready ?? "") || now;
}

/** A pod for a Job; of an Indexed one for this index, perhaps in the place of one that failed. */
export function podFrom(job: Job, index?: number, failed?: Pod): Unsaved<Pod> {
  const { name, namespace = "" } = job.metadata;
  const { metadata, spec } = podFromTemplate(job.spec.template, namespace);
  const generateName = index === undefined ? name : `${name}-${index}`;
  const tracked = {
    ...metadata,
    generateName: `${generateName.slice(0, 57)}-`,
    finalizers: [...(metadata.finalizers ?? []), tracking],
  };
  if (index === undefined) return { metadata: tracked, spec };
  const env = {
    name: "JOB_COMPLETION_INDEX",
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${indexName}']` } },
  };
  const withIndex = <C extends { env?: { name: string }[] }>(container: C): C => ({
    ...container,
    env: container.env?.some((one) => one.name === env.name) ? container.env : [...(container.env ?? []), env],
  });
  return {
    metadata: {
      ...tracked,
      labels: { ...metadata.labels, [indexName]: String(index) },
      annotations: { ...metadata.annotations, [indexName]: String(index), ...failureAnnotations(job, failed) },
    },
    spec: {
      ...spec,
      hostname: `${name}-${index}`,
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(withIndex) }),
    },
  };
}

function failureAnnotations(job: Job, failed: Pod | undefined): Record<string, string> {
  if (job.spec.backoffLimitPerIndex === undefined) return {};
  if (!failed) return { [failureCount]: "0" };
  const ignored = Number.parseInt(failed.metadata.annotations?.[ignoredFailureCount] ?? "0", 10) || 0;
  const isIgnored = verdictOn(failed, job).action === "Ignore";
  const total = ignored + (isIgnored ? 1 : 0);
  return {
    [failureCount]: String(failuresBefore(failed) + (isIgnored ? 0 : 1)),
    ...(total > 0 && { [ignoredFailureCount]: String(total) }),
  };
}

/** The index of a pod, when it is one that the Job has. */
export function validIndex(pod: Pod, { spec }: Job): number | undefined {
  const index = indexOf(pod);
  return index !== undefined && index < (spec.completions ?? 0) ? index : undefined;
}
