import { isLeaving } from "../../api/object.ts";
import type { Job, Pod } from "../../api/schema/types.ts";
import type { Unsaved } from "../../client/client.ts";
import { generateNameFrom, podCondition, podFromTemplate } from "../pods.ts";
import { verdictOn } from "./failure-policy.ts";
import { indexName, indexOf } from "./indexes.ts";

/** Keeps a pod there until it has been counted. */
export const tracking = "batch.kubernetes.io/job-tracking";
const failureCount = "batch.kubernetes.io/job-index-failure-count";
/** What the server takes of a generateName; a random suffix follows. */
const longestGenerateName = 58;
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
export function failuresBefore(pod: Pod): number {
  return countIn(pod, failureCount);
}

const ignoredBefore = (pod: Pod): number => countIn(pod, ignoredFailureCount);

function countIn({ metadata }: Pod, annotation: string): number {
  return Number.parseInt(metadata.annotations?.[annotation] ?? "0", 10) || 0;
}

/** How many pods of its index had ended in vain when this one was made, those that the policy ignores too. */
export function attemptsBefore(pod: Pod): number {
  return failuresBefore(pod) + ignoredBefore(pod);
}

/** When the pod ended, as far as it can be known. */
export function endedAt(pod: Pod): number {
  const { metadata } = pod;
  const ready = podCondition(pod, "Ready");
  const unreadySince = ready?.status === "False" ? Date.parse(ready.lastTransitionTime ?? "") : Number.NaN;
  const left = Date.parse(metadata.deletionTimestamp ?? "") - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  const known = [lastContainerEnd(pod), unreadySince, left, Date.parse(metadata.creationTimestamp ?? "")];
  return known.find((ms) => !Number.isNaN(ms)) ?? 0;
}

/** When the last container ended, sidecars included, which end after the others; not a number while one runs. */
function lastContainerEnd({ spec, status }: Pod): number {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const lasting = (status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.some((one) => one.name === name));
  const ends = [...(status?.containerStatuses ?? []), ...lasting].map(({ state }) =>
    Date.parse(state?.terminated?.finishedAt ?? ""),
  );
  return ends.length > 0 ? Math.max(...ends) : Number.NaN;
}

/** A pod for a Job; of an Indexed one for this index, perhaps in the place of one that failed. */
export function podFrom(job: Job, index?: number, failed?: Pod): Unsaved<Pod> {
  const { name, namespace = "" } = job.metadata;
  const { metadata, spec } = podFromTemplate(job.spec.template, namespace);
  const tracked = {
    ...metadata,
    generateName: index === undefined ? generateNameFrom(name) : generateNameOfIndex(name, index),
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

/** The index must be seen in the name of the pod: the name of the Job is what is cut. */
function generateNameOfIndex(name: string, index: number): string {
  const suffix = `-${index}-`;
  return `${name.slice(0, longestGenerateName - suffix.length)}${suffix}`;
}

function failureAnnotations(job: Job, failed: Pod | undefined): Record<string, string> {
  if (job.spec.backoffLimitPerIndex === undefined) return {};
  if (!failed) return { [failureCount]: "0" };
  const isIgnored = verdictOn(failed, job).action === "Ignore";
  const total = ignoredBefore(failed) + (isIgnored ? 1 : 0);
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
