import type { PersistentVolumeClaim } from "../../api/schema/types.ts";
import type { ObjectLookup } from "../objects.ts";
import type { PodInfo } from "../pod-info.ts";

/** The claims of a pod by name: its own and those made for its ephemeral volumes. */
export function claimNamesOf({
  pod,
  spec,
}: PodInfo): readonly { readonly name: string; readonly ephemeral: boolean }[] {
  return (spec.volumes ?? []).flatMap<{ name: string; ephemeral: boolean }>(
    ({ name, persistentVolumeClaim, ephemeral }) => {
      if (persistentVolumeClaim) return [{ name: persistentVolumeClaim.claimName, ephemeral: false }];
      return ephemeral ? [{ name: `${pod.metadata.name}-${name}`, ephemeral: true }] : [];
    },
  );
}

/** Those of them that are there. */
export function claimsOf(pod: PodInfo, objects: ObjectLookup): readonly PersistentVolumeClaim[] {
  return claimNamesOf(pod).flatMap(({ name }) => objects.claim(pod.namespace, name) ?? []);
}
