import type { KubeObject } from "../object.ts";

/** Of newer kinds, a write of the status changes nothing of the metadata that a client might set. */
export function keepMetadata({ metadata }: KubeObject, { metadata: old }: KubeObject): void {
  for (const field of ["labels", "annotations", "finalizers", "ownerReferences"] as const) {
    if (old[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: structuredClone(old[field]) });
  }
}
