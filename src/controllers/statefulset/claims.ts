import { apiVersionOf } from "../../api/kind.ts";
import { statefulSet } from "../../api/kinds/apps/stateful-set.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import type { KubeObject, OwnerReference } from "../../api/object.ts";
import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../api/schema/types.ts";
import type { Unsaved } from "../../client/client.ts";
import { controlledBy } from "../ownership.ts";
import { claimName } from "./identity.ts";

/** The claims that a pod of this name needs. */
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
        ...withOwners(keeperOf(set)),
      },
      ...(spec && { spec }),
    });
  });
}

/**
 * The owner references that a claim should have: with its owner it goes (Kubernetes docs, "StatefulSets", section
 * "PersistentVolumeClaim retention"). Undefined when they are right already.
 */
export function ownersWanted(
  set: StatefulSet,
  claim: PersistentVolumeClaim,
  holder: { readonly pod: Pod; readonly isCondemned: boolean } | undefined,
): OwnerReference[] | undefined {
  const wanted = keeperOf(set, holder);
  const present = claim.metadata.ownerReferences ?? [];
  const isOurs = (one: OwnerReference): boolean =>
    one.uid === set.metadata.uid ||
    (one.kind === pod.kind && one.apiVersion === apiVersionOf(pod) && one.name === holder?.pod.metadata.name) ||
    (one.kind === statefulSet.kind && one.apiVersion === apiVersionOf(statefulSet) && one.name === set.metadata.name);
  const ours = present.filter(isOurs);
  if (ours.length === (wanted ? 1 : 0) && ours[0]?.uid === wanted?.uid) return undefined;
  return [...present.filter((one) => !isOurs(one)), ...(wanted ? [wanted] : [])];
}

function keeperOf(set: StatefulSet, holder?: { pod: Pod; isCondemned: boolean }): OwnerReference | undefined {
  const { whenScaled, whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  if (whenScaled === "Delete" && holder?.isCondemned) return controlledBy(pod, holder.pod);
  return whenDeleted === "Delete" ? controlledBy(statefulSet, set) : undefined;
}

function withOwners(owner: OwnerReference | undefined): Pick<Partial<KubeObject["metadata"]>, "ownerReferences"> {
  return owner ? { ownerReferences: [owner] } : {};
}
