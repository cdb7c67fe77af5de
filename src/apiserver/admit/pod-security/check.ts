import type { ObjectMeta } from "../../../api/object.ts";
import type { Container, PodSpec, SecurityContext } from "../../../api/schema/types.ts";

export interface CheckedPod {
  readonly metadata: Partial<ObjectMeta>;
  readonly spec: PodSpec;
}

/** What a pod may not be. */
export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

/** One control of the Pod Security Standards, in one of its versions. */
export interface Check {
  /** The first minor version of Kubernetes whose standard says this. */
  readonly since: number;
  check(pod: CheckedPod): Violation | undefined;
}

/** All that runs in a pod, in the order in which it is told. */
export function everyContainer({ spec }: CheckedPod): Container[] {
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec;
  return [...initContainers, ...containers, ...(ephemeralContainers as unknown as Container[])];
}

/** The names of the containers whose security context is as it may not be. */
export function containersWith(pod: CheckedPod, isBad: (context: SecurityContext) => boolean): string[] {
  return everyContainer(pod)
    .filter(({ securityContext }) => isBad(securityContext ?? {}))
    .map(({ name }) => name);
}

/** A pod in a user namespace: its root is nobody's root outside. */
export function hasOwnUsers({ spec }: CheckedPod): boolean {
  return spec.hostUsers === false;
}

/** The same check, which holds for everything but Windows. */
export function exceptWindows(check: Check["check"]): Check["check"] {
  return (pod) => (pod.spec.os?.name === "windows" ? undefined : check(pod));
}
