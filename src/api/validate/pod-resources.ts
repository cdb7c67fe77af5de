import type { FieldError, Path } from "../field.ts";
import { podLimits, podRequests, type ResourceList } from "../pod-resources.ts";
import { compareQuantities } from "../quantity.ts";
import type { PodSpec } from "../schema/types.ts";
import { validateResources } from "./resources.ts";

/** What a pod asks for as a whole, and what its containers ask for within that. */
export function validatePodResources({ resources, ...ofContainers }: PodSpec, at: Path): FieldError[] {
  if (!resources) return [];
  if (ofContainers.os?.name === "windows") return [at.forbidden("may not be set for a windows pod")];
  const { claims, requests = {}, limits = {} } = resources;
  const needed = podRequests(ofContainers);
  // Huge pages are there or not: nothing is shared.
  const pages = Object.entries(podLimits(ofContainers)).filter(([name]) => name.startsWith("hugepages-"));
  return [
    ...(claims ? [at.child("claims").forbidden("claims may not be set for Resources at pod-level")] : []),
    ...validateResources(resources, { claims: new Set(), pod: true }, at),
    ...beyond(needed, requests).map(([name, whole, sum]) =>
      at
        .child("requests")
        .key(name)
        .invalid(whole, `must be greater than or equal to aggregate container requests of ${sum}`),
    ),
    ...beyond(Object.fromEntries(pages), limits).map(([name, whole, sum]) =>
      at
        .child("limits")
        .key(name)
        .invalid(whole, `must be greater than or equal to aggregate container limits of ${sum}`),
    ),
    ...(ofContainers.containers ?? []).flatMap((container, i) =>
      beyond(container.resources?.limits ?? {}, limits).map(([name, most, limit]) =>
        at
          .child("containers")
          .index(i)
          .key(name)
          .child("limits")
          .invalid(limit, `must be less than or equal to pod limits of ${most}`),
      ),
    ),
  ];
}

/** Which amounts are more than the whole says, where it says something. */
function beyond(amounts: ResourceList, wholes: ResourceList): [name: string, whole: string, amount: string][] {
  return Object.entries(amounts)
    .sort()
    .flatMap(([name, amount]): [string, string, string][] => {
      const whole = wholes[name];
      return whole !== undefined && compareQuantities(amount, whole) > 0 ? [[name, whole, amount]] : [];
    });
}
