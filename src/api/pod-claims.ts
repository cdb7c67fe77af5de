import { controllerRef } from "./object.ts";
import type { PersistentVolumeClaim, Pod, Volume } from "./schema/types.ts";

/** A claim of the pod's namespace that one of its volumes is. */
export interface PodClaim {
  readonly name: string;
  /** Whether it is made for this pod alone, and goes with it (Kubernetes docs, "Ephemeral Volumes"). */
  readonly isEphemeral: boolean;
}

/** The claim behind a volume; undefined for volumes of other sorts. */
export function claimOfVolume(
  { metadata }: Pick<Pod, "metadata">,
  { name, persistentVolumeClaim, ephemeral }: Volume,
): PodClaim | undefined {
  if (persistentVolumeClaim) return { name: persistentVolumeClaim.claimName, isEphemeral: false };
  return ephemeral && { name: `${metadata.name}-${name}`, isEphemeral: true };
}

/** The claims that a pod uses, those of its ephemeral volumes too. */
export function claimsOfPod(pod: Pod): readonly PodClaim[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => claimOfVolume(pod, volume) ?? []);
}

/** Why a claim that has the name of a pod's ephemeral volume is not that volume; undefined when it is. */
export function ephemeralClaimFault(claim: PersistentVolumeClaim, { metadata }: Pod): string | undefined {
  if (controllerRef(claim)?.uid === metadata.uid) return undefined;
  const { namespace, name } = claim.metadata;
  return `PVC ${namespace}/${name} was not created for pod ${metadata.namespace}/${metadata.name} (pod is not owner)`;
}
