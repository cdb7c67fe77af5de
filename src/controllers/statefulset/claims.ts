import { apiVersionOf } from "../../api/kind.ts";
import { statefulSet } from "../../api/kinds/apps/stateful-set.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import type { OwnerReference } from "../../api/object.ts";
import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../api/schema/types.ts";
import type { Unsaved } from "../../client/client.ts";
import { controlledBy } from "../ownership.ts";
import { claimName } from "./identity.ts";

/** The claims that a pod of this name needs. Whose they are is settled once the pod is there (ownersWanted). */
export function claimsFor(set: StatefulSet, podName: string): Unsaved<PersistentVolumeClaim>[] {
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => {
    const { annotations } = metadata;
    const { namespace } = set.metadata;
    return structuredClone({
      metadata: {
        name: claimName({ metadata }, podName),
        ...(namespace && { namespace }),
        labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
        ...(annotations && { annotations }),
      },
      ...(spec && { spec }),
    });
  });
}

/** A pod that has a claim, and whether it goes because the StatefulSet became smaller. */
export interface Holder {
  readonly pod: Pod;
  readonly isCondemned: boolean;
}

/**
 * The owner references that a claim should have: with its owner it goes (Kubernetes docs, "StatefulSets", section
 * "PersistentVolumeClaim retention"). Undefined when they are right already, or are none of the StatefulSet's business.
 */
export function ownersWanted(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  holder: Holder,
): OwnerReference[] | undefined {
  const present = claim.metadata.ownerReferences ?? [];
  const ours = present.filter((one) => isSet(one, set) || isPod(one, holder.pod.metadata.name));
  // A reference to one that has gone: the garbage collection decides about the claim.
  if (ours.some(({ uid }) => uid !== set.metadata.uid && uid !== holder.pod.metadata.uid)) return undefined;
  const wanted = hasOtherController(set, claim, holder) ? undefined : keeperOf(set, holder);
  const isRight = ours.length === (wanted ? 1 : 0) && ours[0]?.uid === wanted?.uid;
  if (isRight && ours.every(({ controller }) => controller)) return undefined;
  return [...present.filter((one) => !ours.includes(one)), ...(wanted ? [wanted] : [])];
}

/** Whether something else controls a claim that the StatefulSet should keep or let go. */
export function hasOtherController(set: StatefulSet, claim: PersistentVolumeClaim, { pod }: Holder): boolean {
  const { whenScaled, whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenScaled !== "Delete" && whenDeleted !== "Delete") return false;
  return (claim.metadata.ownerReferences ?? []).some((one) => {
    if (isSet(one, set)) return one.uid !== set.metadata.uid;
    if (isPod(one, pod.metadata.name)) return one.uid !== pod.metadata.uid;
    return one.controller === true;
  });
}

/** Whether the claim goes with an earlier pod of this name: a new pod must not take it up. */
export function goesWithEarlierPod(claim: PersistentVolumeClaim, podName: string): boolean {
  return (claim.metadata.ownerReferences ?? []).some((one) => isPod(one, podName));
}

function isSet(one: OwnerReference, { metadata }: StatefulSet): boolean {
  return one.kind === statefulSet.kind && one.apiVersion === apiVersionOf(statefulSet) && one.name === metadata.name;
}

function isPod(one: OwnerReference, name: string): boolean {
  return one.kind === pod.kind && one.apiVersion === apiVersionOf(pod) && one.name === name;
}

function keeperOf(set: StatefulSet, holder: Holder): OwnerReference | undefined {
  const { whenScaled, whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenScaled === "Delete" && holder.isCondemned) return controlledBy(pod, holder.pod);
  return whenDeleted === "Delete" ? controlledBy(statefulSet, set) : undefined;
}
