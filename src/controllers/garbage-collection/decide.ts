import { isLeaving, type KubeObject, type OwnerReference } from "../../api/object.ts";

export const foreground = "foregroundDeletion";
export const orphan = "orphan";

/** What is known of an object that may have to go, and of those around it. */
export interface Observed {
  readonly object: KubeObject;
  /** Its owner references and what became of each owner. */
  readonly owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[];
  /** Objects that name this one as an owner. */
  readonly dependents: readonly KubeObject[];
}

/**
 * "there": it exists. "absent": it does not, or not any more. "waiting": it is being deleted in the foreground and waits
 * for this object. "unknown": its kind is not served, nothing can be said.
 */
export type OwnerState = "there" | "absent" | "waiting" | "unknown";

export type Action =
  | { readonly do: "nothing" }
  /** Take the references to these owners out. */
  | { readonly do: "release"; readonly uids: readonly string[] }
  /** `unblock`: first stop holding up the owners, because they wait in a ring. */
  | { readonly do: "delete"; readonly policy: "Orphan" | "Foreground" | "Background"; readonly unblock: boolean }
  /** Look at these dependents: they keep the object, which is being deleted in the foreground. */
  | { readonly do: "waitFor"; readonly dependents: readonly KubeObject[] }
  /** Take this object's references out of its dependents, then go on as with no dependents. */
  | { readonly do: "orphanDependents"; readonly dependents: readonly KubeObject[] }
  | { readonly do: "removeFinalizer"; readonly finalizer: string };

/** Kubernetes docs, "Garbage Collection" and "Owners and Dependents". */
export function decide({ object, owners, dependents }: Observed): Action {
  if (isLeaving(object)) return decideLeaving(object, dependents);
  const by = (state: OwnerState) =>
    owners.filter((owner) => owner.state === state).map(({ reference }) => reference.uid);
  if (owners.length === 0 || by("unknown").length > 0) return { do: "nothing" };

  const [absent, waiting] = [by("absent"), by("waiting")];
  if (by("there").length > 0) {
    return absent.length + waiting.length > 0 ? { do: "release", uids: [...absent, ...waiting] } : { do: "nothing" };
  }
  if (waiting.length > 0 && dependents.length > 0) {
    const inRing = dependents.some((dependent) => isLeaving(dependent) && hasFinalizer(dependent, foreground));
    return { do: "delete", policy: "Foreground", unblock: inRing };
  }
  return { do: "delete", policy: policyOf(object), unblock: false };
}

function decideLeaving(object: KubeObject, dependents: readonly KubeObject[]): Action {
  if (hasFinalizer(object, orphan)) {
    return dependents.length > 0
      ? { do: "orphanDependents", dependents }
      : { do: "removeFinalizer", finalizer: orphan };
  }
  if (!hasFinalizer(object, foreground)) return { do: "nothing" };
  const blocking = dependents.filter((dependent) => blocks(dependent, object));
  return blocking.length > 0 ? { do: "waitFor", dependents } : { do: "removeFinalizer", finalizer: foreground };
}

/** The finalizers on an object say how it is to be deleted when nobody asks otherwise. */
function policyOf(object: KubeObject): "Orphan" | "Foreground" | "Background" {
  if (hasFinalizer(object, orphan)) return "Orphan";
  return hasFinalizer(object, foreground) ? "Foreground" : "Background";
}

export function hasFinalizer({ metadata }: KubeObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}

/** Whether the owner, deleted in the foreground, must wait for the dependent. */
export function blocks(dependent: KubeObject, owner: KubeObject): boolean {
  return (
    dependent.metadata.ownerReferences?.some((ref) => ref.uid === owner.metadata.uid && ref.blockOwnerDeletion) ?? false
  );
}
