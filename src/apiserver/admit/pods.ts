import type { AnyObject } from "../../api/object.ts";
import type { Review } from "./admission.ts";

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

export interface Container {
  name: string;
  volumeMounts?: VolumeMount[];
}

/** The parts of a pod that admission looks at. */
export interface PodSpec {
  nodeName?: string;
  containers?: Container[];
  initContainers?: Container[];
  volumes?: { name: string; projected?: unknown }[];
  tolerations?: Toleration[];
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  imagePullSecrets?: { name: string }[];
  priority?: number;
  priorityClassName?: string;
  preemptionPolicy?: string;
}

/** Whether a review is of a write of pods themselves, not of a subresource. */
export function isPodWrite({ call }: Review, ...operations: readonly Review["operation"][]): boolean {
  return call.resource.bucket === "pods" && call.subresource === undefined && operations.length > 0;
}

/** The spec of a new pod; undefined where the review is of something else. */
export function newPodSpec(review: Review): PodSpec | undefined {
  if (review.operation !== "CREATE" || !isPodWrite(review, "CREATE") || !review.object) return undefined;
  return specOf(review.object);
}

export function specOf(pod: AnyObject): PodSpec {
  pod.spec ??= {};
  return pod.spec as PodSpec;
}
