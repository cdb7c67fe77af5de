import { storageClass } from "../../api/kinds/storage/storage-class.ts";
import { compareQuantities } from "../../api/quantity.ts";
import type { PersistentVolumeClaim } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { latestObject } from "../registry/objects.ts";
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
      const className = classOf(claim);
      if (className && className === classOf(old) && mayGrow(store, className)) return;
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
  return latestObject(store, storageClass, { name })?.allowVolumeExpansion === true;
}
