import type { AdmissionStep } from "./admission.ts";

const finalizers = new Map([
  ["persistentvolumeclaims", "kubernetes.io/pvc-protection"],
  ["persistentvolumes", "kubernetes.io/pv-protection"],
  ["volumeattributesclasses.storage.k8s.io", "kubernetes.io/vac-protection"],
]);

/** Storage that is in use outlives its deletion until it no longer is. */
export function storageObjectInUseProtection(): AdmissionStep {
  return {
    name: "StorageObjectInUseProtection",
    mutate({ call, operation, object }) {
      const finalizer = finalizers.get(call.resource.bucket);
      if (!finalizer || operation !== "CREATE" || call.subresource || !object) return;
      const { metadata } = object;
      if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
    },
  };
}
