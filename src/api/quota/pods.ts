import { hasEnded } from "../pod-phase.ts";
import { podLimits, podRequests, type ResourceList } from "../pod-resources.ts";
import { qosClassOf } from "../qos.ts";
import type { Pod, PodAffinityTerm, PodSpec } from "../schema/types.ts";
import type { QuotaEvaluator } from "./evaluator.ts";
import { isAmong } from "./scope.ts";

const computed = ["cpu", "memory", "ephemeral-storage"];
const names = new Set([
  "count/pods",
  "pods",
  ...computed,
  ...computed.map((name) => `requests.${name}`),
  ...computed.map((name) => `limits.${name}`),
]);
// Where a quota counts these, every container has to say what it asks for.
const mustBeSaid = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

export const pods: QuotaEvaluator = {
  changes: true,
  counts: (name) => names.has(name) || /^(requests\.)?hugepages-/.test(name) || isExtended(name),
  usage(object, now) {
    const pod = object as unknown as Pod;
    if (isOver(pod, now)) return { "count/pods": "1" };
    const whole = { overhead: true };
    return { "count/pods": "1", ...counted(podRequests(pod.spec, whole), podLimits(pod.spec, whole)) };
  },
  isIn(scope, object) {
    const { spec } = object as unknown as Pod;
    switch (scope.scopeName) {
      case "Terminating":
        return spec.activeDeadlineSeconds !== undefined;
      case "NotTerminating":
        return spec.activeDeadlineSeconds === undefined;
      case "BestEffort":
        return qosClassOf(spec) === "BestEffort";
      case "NotBestEffort":
        return qosClassOf(spec) !== "BestEffort";
      case "PriorityClass":
        return isAmong(scope, spec.priorityClassName ? [spec.priorityClassName] : []);
      case "CrossNamespacePodAffinity":
        return affinityTerms(spec).some(({ namespaces, namespaceSelector }) => namespaces?.length || namespaceSelector);
      default:
        return false;
    }
  },
  lacks(resources, object) {
    const { spec } = object as unknown as Pod;
    const whole = counted(spec.resources?.requests ?? {}, spec.resources?.limits ?? {});
    const missing = resources
      .filter((name) => mustBeSaid.includes(name) && whole[name] === undefined)
      .sort()
      .map((name) => ({ name, containers: containersWithout(spec, name) }))
      .filter(({ containers }) => containers.length > 0);
    if (missing.length === 0) return undefined;
    return `must specify ${missing.map(({ name, containers }) => `${name} for: ${containers.join(",")}`).join("; ")}`;
  },
};

function containersWithout({ containers = [], initContainers = [] }: PodSpec, resource: string): string[] {
  return [...containers, ...initContainers]
    .filter(({ resources }) => counted(resources?.requests ?? {}, resources?.limits ?? {})[resource] === undefined)
    .map(({ name }) => name)
    .sort();
}

/** In the names that quotas use. */
function counted(requests: ResourceList, limits: ResourceList): Record<string, string> {
  const used: Record<string, string> = { pods: "1" };
  for (const [name, quantity] of Object.entries(requests)) {
    if (computed.includes(name) || name.startsWith("hugepages-")) used[name] = quantity;
    if (used[name] !== undefined || isExtended(`requests.${name}`)) used[`requests.${name}`] = quantity;
  }
  for (const name of computed) if (limits[name] !== undefined) used[`limits.${name}`] = limits[name];
  return used;
}

/** Devices and other resources that a vendor named: "requests.example.com/gpu". */
function isExtended(name: string): boolean {
  return name.startsWith("requests.") && name.includes("/") && !name.includes("kubernetes.io/");
}

/** A pod that has ended, or whose node has had its time to end it, uses nothing any more. */
function isOver({ metadata, status }: Pod, now: number): boolean {
  if (hasEnded({ status })) return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined) return false;
  return now > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function affinityTerms({ affinity }: PodSpec): PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((part) => [
    ...(part?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(part?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
}
