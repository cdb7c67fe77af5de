import type { FieldError, Path } from "../field.ts";
import { addQuantities, compareQuantities, formatQuantity } from "../quantity.ts";
import type { PodSpec } from "../schema/types.ts";
import { validateResources } from "./resources.ts";

/** What a pod asks for as a whole, and what its containers ask for within that. */
export function validatePodResources(spec: PodSpec, at: Path): FieldError[] {
  const { resources } = spec;
  if (!resources) return [];
  const errors = resources.claims
    ? [at.child("claims").forbidden("claims cannot be set for Resources at pod-level")]
    : [];
  errors.push(...validateResources(resources, { claims: new Set(), pod: true }, at));
  for (const [name, sum] of Object.entries(sumOfRequests(spec)).sort()) {
    const whole = resources.requests?.[name] ?? "0";
    if (compareQuantities(sum, whole) > 0)
      errors.push(
        at
          .child("requests")
          .key(name)
          .invalid(whole, `must be greater than or equal to aggregate container requests of ${sum}`),
      );
  }
  for (const [i, container] of (spec.containers ?? []).entries())
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const most = resources.limits?.[name];
      if (most !== undefined && compareQuantities(limit, most) > 0)
        errors.push(
          at
            .child("containers")
            .index(i)
            .key(name)
            .child("limits")
            .invalid(limit, `must be less than or equal to pod limits of ${most}`),
        );
    }
  return errors;
}

function sumOfRequests({ containers, initContainers = [] }: PodSpec): Record<string, string> {
  const sums: Record<string, string> = {};
  const lasting = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const { resources } of [...(containers ?? []), ...lasting])
    for (const [name, quantity] of Object.entries(resources?.requests ?? {}))
      sums[name] = formatQuantity(addQuantities(sums[name] ?? "0", quantity));
  return sums;
}
