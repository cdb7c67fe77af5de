import { addQuantities, compareQuantities, formatQuantity, signOf } from "./quantity.ts";
import type { Container, PodSpec } from "./schema/types.ts";

/** Amounts by resource: "cpu" → "500m". */
export type ResourceList = Readonly<Record<string, string>>;

export interface PodResourceOptions {
  /** Counts what running the pod costs beyond its containers (RuntimeClass). */
  readonly overhead?: boolean;
}

// What can be asked for the pod as a whole instead of for its containers.
const isPodLevel = (name: string): boolean => name === "cpu" || name === "memory" || name.startsWith("hugepages-");

/** What a pod asks for at most at any time of its life (Kubernetes docs, "Resource sharing within containers"). */
export function podRequests(spec: PodSpec, { overhead = false }: PodResourceOptions = {}): ResourceList {
  const requests = together(spec, "requests");
  return overhead ? addResources(requests, spec.overhead ?? {}) : requests;
}

/** What a pod may use at most. A resource counts when any container limits it. */
export function podLimits(spec: PodSpec, { overhead = false }: PodResourceOptions = {}): ResourceList {
  const limits = together(spec, "limits");
  if (!overhead) return limits;
  const added = Object.entries(spec.overhead ?? {}).filter(([name]) => signOf(limits[name] ?? "0") > 0);
  return addResources(limits, Object.fromEntries(added));
}

/** Adds up, resource by resource. */
function addResources(a: ResourceList, b: ResourceList): ResourceList {
  const sum: Record<string, string> = { ...a };
  for (const [name, quantity] of Object.entries(b)) {
    const known = sum[name];
    sum[name] = known === undefined ? quantity : formatQuantity(addQuantities(known, quantity));
  }
  return sum;
}

function together(spec: PodSpec, part: "requests" | "limits"): ResourceList {
  const of = ({ resources }: Container): ResourceList => resources?.[part] ?? {};
  let running: ResourceList = (spec.containers ?? []).map(of).reduce(addResources, {});
  let sidecars: ResourceList = {};
  let starting: ResourceList = {};
  for (const container of spec.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === "Always") {
      running = addResources(running, own);
      sidecars = addResources(sidecars, own);
      starting = greater(starting, sidecars);
    } else starting = greater(starting, addResources(own, sidecars));
  }
  const whole = Object.entries(spec.resources?.[part] ?? {}).filter(([name]) => isPodLevel(name));
  return { ...greater(running, starting), ...Object.fromEntries(whole) };
}

function greater(a: ResourceList, b: ResourceList): ResourceList {
  const most: Record<string, string> = { ...a };
  for (const [name, quantity] of Object.entries(b)) {
    const known = most[name];
    if (known === undefined || compareQuantities(quantity, known) > 0) most[name] = quantity;
  }
  return most;
}
