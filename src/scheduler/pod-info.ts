import { type HostPort, hostPortsOf } from "../api/host-ports.ts";
import { numberOf } from "../api/quantity.ts";
import type { Container, Pod, PodSpec } from "../api/schema/types.ts";
import { type SocialTerm, socialTermsOf } from "./social-terms.ts";

/** Amounts by resource name: cpu in thousandths, everything else in whole units. */
export type Amounts = ReadonlyMap<string, number>;

/** What the scheduler needs of a pod, worked out once for each version of it. */
export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  readonly priority: number;
  readonly requests: Amounts;
  /** cpu and memory with a small assumption for containers that ask for nothing, so that they do not all land on one node. */
  readonly assumed: { readonly cpu: number; readonly memory: number };
  readonly hostPorts: readonly HostPort[];
  /** What it wishes of pods near it. */
  readonly socialTerms: readonly SocialTerm[];
}

/** What a container without a request is taken for when nodes are compared (kube-scheduler's figures). */
const assumedCpuMillis = 100;
const assumedMemoryBytes = 200 * 1024 * 1024;

export function podInfoFrom(pod: Pod): PodInfo {
  const spec = pod.spec ?? { containers: [] };
  const asked = askedBy(pod);
  const requests = requestsOf(spec, asked);
  // Where the pod asks for something as a whole, containers need not say it again.
  const isMissing = (name: string): boolean => !spec.resources?.requests || !requests.get(name);
  const [cpu, memory] = [isMissing("cpu") ? assumedCpuMillis : 0, isMissing("memory") ? assumedMemoryBytes : 0];
  const assumed = requestsOf(spec, (container) => {
    const own = asked(container);
    return new Map([
      ["cpu", own.get("cpu") ?? cpu],
      ["memory", own.get("memory") ?? memory],
    ]);
  });
  const owner = { namespace: pod.metadata.namespace ?? "", labels: pod.metadata.labels ?? {} };
  return {
    pod,
    uid: pod.metadata.uid ?? "",
    ...owner,
    spec,
    priority: spec.priority ?? 0,
    requests,
    assumed: { cpu: assumed.get("cpu") ?? 0, memory: assumed.get("memory") ?? 0 },
    hostPorts: hostPortsOf(spec),
    socialTerms: socialTermsOf(spec, owner),
  };
}

/**
 * What a container counts for: what it asks for or what it was given, whichever is more, as long as a change of its resources
 * is on its way; of a change that its node can never make, only what it was given.
 */
function askedBy({ status }: Pod): (container: Container) => Amounts {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const given = new Map(statuses.flatMap((each) => (each.resources ? [[each.name, each] as const] : [])));
  const isInfeasible = status?.conditions?.some(
    ({ type, reason }) => type === "PodResizePending" && reason === "Infeasible",
  );
  return ({ name, resources }) => {
    const asked = amountsFrom(resources?.requests);
    const has = given.get(name);
    if (!has) return asked;
    const most = isInfeasible ? new Map<string, number>() : asked;
    raise(most, amountsFrom(has.resources?.requests));
    raise(most, amountsFrom(has.allocatedResources));
    return most;
  };
}

export function amountsFrom(quantities: Readonly<Record<string, string>> | undefined): Map<string, number> {
  const amounts = new Map<string, number>();
  for (const [name, quantity] of Object.entries(quantities ?? {}))
    amounts.set(name, name === "cpu" ? Math.ceil(numberOf(quantity) * 1000 - 1e-6) : Math.ceil(numberOf(quantity)));
  return amounts;
}

/**
 * Containers and sidecars together, or the largest moment of the initialization, whichever is more, and the overhead
 * (Kubernetes docs, "Init Containers", section "Resource sharing within containers"). Requests of the pod itself go first.
 */
function requestsOf(spec: PodSpec, of: (container: Container) => Amounts): Amounts {
  const total = new Map<string, number>();
  for (const container of spec.containers) add(total, of(container));
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const container of spec.initContainers ?? []) {
    const asked = new Map(of(container));
    if (container.restartPolicy === "Always") {
      add(total, asked);
      add(sidecars, asked);
      raise(peak, sidecars);
    } else {
      add(asked, sidecars);
      raise(peak, asked);
    }
  }
  raise(total, peak);
  for (const [name, amount] of amountsFrom(spec.resources?.requests)) total.set(name, amount);
  add(total, amountsFrom(spec.overhead));
  return total;
}

function add(to: Map<string, number>, amounts: Amounts): void {
  for (const [name, amount] of amounts) to.set(name, (to.get(name) ?? 0) + amount);
}

function raise(to: Map<string, number>, amounts: Amounts): void {
  for (const [name, amount] of amounts) to.set(name, Math.max(to.get(name) ?? 0, amount));
}
