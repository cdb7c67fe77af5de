import { compareQuantities } from "../../api/quantity.ts";
import type { PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { AdmissionStep } from "./admission.ts";
import { refused } from "./refused.ts";

const olderAnnotation = "volume.beta.kubernetes.io/storage-class";

/** Claims grow when they have a volume, and its class can (Kubernetes docs, "Expanding Persistent Volumes Claims"). */
export function persistentVolumeClaimResize({ store }: { readonly store: Store }): AdmissionStep {
  return {
    name: "PersistentVolumeClaimResize",
    validate(review) {
      const { call, operation } = review;
      if (call.resource.bucket !== "persistentvolumeclaims" || operation !== "UPDATE" || call.subresource) return;
      const claim = review.object as unknown as PersistentVolumeClaim;
      const old = review.old as unknown as PersistentVolumeClaim;
      if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return;
      if (old.status?.phase !== "Bound") throw refused(review, "Only bound persistent volume claims can be expanded");
      const storageClass = classOf(claim);
      if (storageClass && storageClass === classOf(old) && mayGrow(store, storageClass)) return;
      throw refused(
        review,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
      );
    },
  };
}

function sizeOf({ spec }: PersistentVolumeClaim): string {
  return spec?.resources?.requests?.storage ?? "0";
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string | undefined {
  return metadata.annotations?.[olderAnnotation] ?? spec?.storageClassName;
}

function mayGrow(store: Store, name: string): boolean {
  const entry = store.latest(`/storageclasses.storage.k8s.io/${name}`);
  return entry !== undefined && (heldObject(entry) as unknown as StorageClass).allowVolumeExpansion === true;
}
