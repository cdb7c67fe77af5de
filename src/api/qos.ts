import { compareQuantities, signOf } from "./quantity.ts";
import type { PodSpec, ResourceRequirements } from "./schema/types.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Kubernetes docs, "Pod Quality of Service Classes". */
export function qosClassOf(spec: PodSpec): QosClass {
  // What a pod asks for as a whole counts instead of what its containers ask for.
  const all: readonly (ResourceRequirements | undefined)[] =
    spec.resources && Object.keys({ ...spec.resources.requests, ...spec.resources.limits }).length > 0
      ? [spec.resources]
      : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ resources }) => resources);
  const asked = all.map((resources) => ({
    requests: computed(resources?.requests),
    limits: computed(resources?.limits),
  }));
  if (asked.every(({ requests, limits }) => requests.size === 0 && limits.size === 0)) return "BestEffort";
  const guaranteed = asked.every(
    ({ requests, limits }) =>
      limits.size === 2 &&
      [...requests].every(([name, quantity]) => compareQuantities(limits.get(name) ?? "0", quantity) === 0),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

/** CPU and memory, where there is any. */
function computed(list: Readonly<Record<string, string>> | undefined): Map<string, string> {
  return new Map(
    Object.entries(list ?? {}).filter(
      ([name, quantity]) => (name === "cpu" || name === "memory") && signOf(quantity) > 0,
    ),
  );
}
