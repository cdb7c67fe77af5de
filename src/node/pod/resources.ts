import { milliOf, unitsOf } from "../../api/quantity.ts";
import type { Container, Pod, ResourceRequirements } from "../../api/schema/types.ts";
import type { ContainerResources } from "../runtime.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Kubernetes docs, "Pod Quality of Service Classes". */
export function qosClassOf({ spec, status }: Pod): QosClass {
  if (status?.qosClass) return status.qosClass as QosClass;
  const all = spec.resources
    ? [spec.resources]
    : [...(spec.initContainers ?? []), ...spec.containers].map((c) => c.resources ?? {});
  const named = (list: Record<string, string> | undefined, resource: string) => {
    const text = list?.[resource];
    return text !== undefined && milliOf(text) > 0 ? text : undefined;
  };
  const has = ({ requests, limits }: ResourceRequirements) =>
    ["cpu", "memory"].some((resource) => named(requests, resource) ?? named(limits, resource));
  if (!all.some(has)) return "BestEffort";
  const guaranteed = all.every(({ requests, limits }) =>
    ["cpu", "memory"].every((resource) => {
      const limit = named(limits, resource);
      const request = named(requests, resource) ?? limit;
      return limit !== undefined && request !== undefined && milliOf(limit) === milliOf(request);
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

const cpuPeriodUs = 100_000;
const leastQuotaUs = 1_000;
const leastShares = 2;
const mostShares = 262_144;

export function cpuSharesOf(milli: number): number {
  return Math.min(mostShares, Math.max(leastShares, Math.floor((milli * 1024) / 1000)));
}

export function cpuQuotaOf(milli: number): number {
  return milli > 0 ? Math.max(leastQuotaUs, (milli * cpuPeriodUs) / 1000) : 0;
}

/** What a container is run with, in the kernel's terms. */
export function containerResources(pod: Pod, container: Container, nodeMemoryBytes: number): ContainerResources {
  return { ...limitsOf(container.resources), oomScoreAdj: oomScoreAdj(pod, container, nodeMemoryBytes) };
}

/** What of it can change while the container runs. */
export function limitsOf({ requests = {}, limits = {} }: ResourceRequirements = {}): ContainerResources {
  const cpu = requests.cpu ?? limits.cpu;
  const limitMilli = limits.cpu ? milliOf(limits.cpu) : 0;
  return {
    memoryLimitBytes: limits.memory ? unitsOf(limits.memory) : 0,
    cpuShares: cpuSharesOf(cpu ? milliOf(cpu) : 0),
    ...(limitMilli > 0 && { cpuQuotaUs: cpuQuotaOf(limitMilli), cpuPeriodUs }),
  };
}

/** Who the kernel kills first when memory runs out (Kubernetes docs, "Node-pressure Eviction", "Node out of memory behavior"). */
export function oomScoreAdj(pod: Pod, container: Container, nodeMemoryBytes: number): number {
  if ((pod.spec.priority ?? 0) >= 2_000_000_000) return -997;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const { requests = {}, limits = {} } = container.resources ?? {};
  const request = unitsOf(requests.memory ?? limits.memory ?? "0");
  const score = 1000 - Math.floor((1000 * request) / nodeMemoryBytes);
  // Above a guaranteed container's, below a best-effort one's.
  return Math.min(999, Math.max(3, score));
}

/** The path of the cgroup that holds all of a pod. */
export function podCgroup(pod: Pod): string {
  const qos = qosClassOf(pod);
  const parent = qos === "Guaranteed" ? "/kubepods" : `/kubepods/${qos.toLowerCase()}`;
  return `${parent}/pod${pod.metadata.uid}`;
}
