import { podLimits, podRequests } from "../../api/pod-resources.ts";
import { milliOf, unitsOf } from "../../api/quantity.ts";
import type { Container, Pod, ResourceRequirements } from "../../api/schema/types.ts";
import type { CgroupLimits } from "../cgroups.ts";
import type { ContainerResources } from "../runtime.ts";
import { isNodeCritical } from "./critical.ts";

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
  return {
    ...limitsOf(pod, container.resources),
    oomScoreAdj: oomScoreAdj(pod, container, nodeMemoryBytes),
  };
}

/** What of it can change while the container runs. Where it has no limit of its own, that of the whole pod holds. */
export function limitsOf(
  { spec }: Pod,
  { requests = {}, limits: own = {} }: ResourceRequirements = {},
): ContainerResources {
  const limits = { ...spec.resources?.limits, ...own };
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
  if (isNodeCritical(pod)) return -997;
  const qos = qosClassOf(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  // A sidecar goes no sooner than those that it serves.
  const served = container.restartPolicy === "Always" && isInit(pod, container) ? pod.spec.containers : [];
  const request = Math.max(memoryRequest(container), served.length > 0 ? Math.min(...served.map(memoryRequest)) : 0);
  const score = 1000 - Math.floor((1000 * (request + unclaimedShare(pod))) / nodeMemoryBytes);
  // Above a guaranteed container's, below a best-effort one's.
  return Math.min(999, Math.max(3, score));
}

const isInit = ({ spec }: Pod, { name }: Container): boolean =>
  (spec.initContainers ?? []).some((each) => each.name === name);

function memoryRequest({ resources }: Container): number {
  return unitsOf(resources?.requests?.memory ?? resources?.limits?.memory ?? "0");
}

/** What is asked for the whole pod and for none of its containers is shared out among them. */
function unclaimedShare({ spec }: Pod): number {
  const whole = spec.resources?.requests?.memory;
  if (!whole) return 0;
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  const claimed = all.reduce((sum, each) => sum + memoryRequest(each), 0);
  return Math.max(0, unitsOf(whole) - claimed) / all.length;
}

/** The limits of all of a pod together: each holds where all its containers have it, or the pod as a whole. */
export function cgroupLimitsOf({ spec }: Pod, allocatable: Readonly<Record<string, string>> = {}): CgroupLimits {
  const requests = podRequests(spec, { overhead: true });
  const limits = podLimits(spec, { overhead: true });
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  const limitOf = (resource: string): number => {
    const isWhole = spec.resources?.limits?.[resource] !== undefined;
    const isLimited = isWhole || all.every(({ resources }) => milliOf(resources?.limits?.[resource] ?? "0") > 0);
    return isLimited ? milliOf(limits[resource] ?? "0") : 0;
  };
  const [cpu, memory] = [limitOf("cpu"), limitOf("memory")];
  // A machine that has no huge pages needs no limits of them; where it has, a pod has none that it did not ask for.
  const sizes = Object.keys(allocatable).filter(
    (name) => name.startsWith("hugepages-") && unitsOf(allocatable[name] ?? "0") > 0,
  );
  return {
    cpuShares: cpuSharesOf(milliOf(requests.cpu ?? "0")),
    ...(cpu > 0 && { cpuQuotaUs: cpuQuotaOf(cpu), cpuPeriodUs }),
    ...(memory > 0 && { memoryLimitBytes: memory / 1000 }),
    ...(sizes.length > 0 && {
      hugePageBytes: Object.fromEntries(sizes.map((name) => [pageSizeOf(name), unitsOf(limits[name] ?? "0")] as const)),
    }),
  };
}

/** The kernel's name of a size of huge pages: "2MB" of "hugepages-2Mi". */
function pageSizeOf(resource: string): string {
  const [, count = "", unit = ""] = /^hugepages-(\d+)([KMG])i$/.exec(resource) ?? [];
  return `${count}${unit}B`;
}

/** The path of the cgroup that holds all of a pod. */
export function podCgroup(pod: Pod): string {
  const qos = qosClassOf(pod);
  const parent = qos === "Guaranteed" ? "/kubepods" : `/kubepods/${qos.toLowerCase()}`;
  return `${parent}/pod${pod.metadata.uid}`;
}
