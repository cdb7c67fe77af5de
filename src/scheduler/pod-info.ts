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
  const requests = requestsOf(spec, (container) => amountsFrom(container.resources?.requests));
  const assumed = requestsOf(spec, (container) => {
    const asked = amountsFrom(container.resources?.requests);
    return new Map([
      ["cpu", asked.get("cpu") ?? assumedCpuMillis],
      ["memory", asked.get("memory") ?? assumedMemoryBytes],
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
