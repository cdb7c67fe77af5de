import { isDeepStrictEqual } from "node:util";
import type { Container, ContainerStatus, Pod, ResourceRequirements } from "../../api/schema/types.ts";
import type { Refusal } from "../allocations.ts";
import type { Container as RuntimeContainer } from "../runtime.ts";
import { containersOf, newest, type PodContainer } from "./containers.ts";
import { limitsOf } from "./resources.ts";
import { toldOf } from "./vanished.ts";

/** What the containers of a pod may have, by name: those whose resources can change while the pod runs. */
export type Allocation = ReadonlyMap<string, ResourceRequirements>;

/** How far the change of a pod's resources is (Kubernetes docs, "Resize CPU and Memory Resources assigned to Containers"). */
export interface ResizeState {
  /** The node cannot give it what it asks for. */
  readonly pending?: (Refusal & { readonly generation: number }) | undefined;
  /** It was given what it asked for, and not all containers have it yet. */
  readonly inProgress?: { readonly generation: number; readonly error?: string } | undefined;
}

/** What the pod asks for. */
export function wantedAllocation(pod: Pod): Allocation {
  return new Map(resizable(pod).map(({ spec }) => [spec.name, spec.resources ?? {}]));
}

/**
 * What a pod had that an earlier run of skiff looked after. Its status shows it; without a resize that waits it is what the
 * pod asks for.
 */
export function allocationBefore(pod: Pod): Allocation {
  const wanted = wantedAllocation(pod);
  if (!pod.status?.conditions?.some(({ type }) => type === "PodResizePending")) return wanted;
  return new Map([...wanted].map(([name, resources]) => [name, statusOf(pod, name)?.resources ?? resources]));
}

/** The pod with these resources instead of those that it asks for. */
export function withAllocation(pod: Pod, allocation: Allocation): Pod {
  if (isDeepStrictEqual(allocation, wantedAllocation(pod))) return pod;
  const given = (container: Container): Container => {
    const resources = allocation.get(container.name);
    return resources ? { ...container, resources } : container;
  };
  const { containers, initContainers, ...rest } = pod.spec;
  return {
    ...pod,
    spec: {
      ...rest,
      ...(initContainers && { initContainers: initContainers.map(given) }),
      containers: containers.map(given),
    },
  };
}

/** Which of its resources the runtime's container does not have yet, as far as the kernel knows them. */
function differing(
  pod: Pod,
  { wanted, running: { resources: has } }: { wanted: ResourceRequirements | undefined; running: RuntimeContainer },
): readonly string[] {
  const { memoryLimitBytes, cpuShares, cpuQuotaUs = 0 } = limitsOf(pod, wanted);
  return [
    ...(has.memoryLimitBytes === memoryLimitBytes ? [] : ["memory"]),
    ...(has.cpuShares === cpuShares && (has.cpuQuotaUs ?? 0) === cpuQuotaUs ? [] : ["cpu"]),
  ];
}

/** The resources that a container runs with: those it was given, or, until they are applied, those that were shown last. */
export function appliedResources(
  pod: Pod,
  { name, given, running }: { name: string; given: ResourceRequirements | undefined; running: RuntimeContainer },
): ResourceRequirements {
  if (differing(pod, { wanted: given, running }).length === 0) return given ?? {};
  return statusOf(pod, name)?.resources ?? given ?? {};
}

export interface ContainerResize {
  readonly container: PodContainer;
  readonly running: RuntimeContainer;
  /** The container wants to be restarted rather than changed while it runs. */
  readonly restarts: boolean;
}

/** The running containers that do not have yet what they were given; `pod` is the pod with its allocation. */
export function resizesOf(pod: Pod, containers: readonly RuntimeContainer[]): readonly ContainerResize[] {
  return resizable(pod).flatMap((container) => {
    const { spec } = container;
    const running = newest(containers, spec.name);
    const changes = running?.state === "running" ? differing(pod, { wanted: spec.resources, running }) : [];
    if (!running || changes.length === 0) return [];
    const restarts = (spec.resizePolicy ?? []).some(
      ({ resourceName, restartPolicy }) => restartPolicy === "RestartContainer" && changes.includes(resourceName),
    );
    return [{ container, running, restarts }];
  });
}

function resizable(pod: Pod): readonly PodContainer[] {
  return containersOf(pod).filter(({ role }) => role === "app" || role === "sidecar");
}

function statusOf(pod: Pod, name: string): ContainerStatus | undefined {
  return toldOf(pod, name) ?? pod.status?.initContainerStatuses?.find((told) => told.name === name);
}

/** The text that Events about a resize carry behind their sentence. */
export function resizeSummary(pod: Pod, error?: string): string {
  const { generation = 0 } = pod.metadata;
  const list = (role: PodContainer["role"]) =>
    resizable(pod)
      .filter((each) => each.role === role)
      .map(({ spec }) => ({ name: spec.name, resources: spec.resources ?? {} }));
  const [initContainers, containers] = [list("sidecar"), list("app")];
  return JSON.stringify({
    ...(initContainers.length > 0 && { initContainers }),
    ...(containers.length > 0 && { containers }),
    generation,
    ...(error && { error }),
  });
}
