import { claimsOfPod } from "../../api/pod-claims.ts";
import type { PersistentVolumeClaim } from "../../api/schema/types.ts";
import type { ObjectLookup } from "../objects.ts";
import type { PodInfo } from "../pod-info.ts";

/** The claims of a pod that are there. */
export function claimsOf({ pod, namespace }: PodInfo, objects: ObjectLookup): readonly PersistentVolumeClaim[] {
  return claimsOfPod(pod).flatMap(({ name }) => objects.claim(namespace, name) ?? []);
}
