import type { AnyObject } from "../../../api/object.ts";

export const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

/** A definition's finalizers with the one that holds it back until its objects are gone. */
export function heldByObjects(definition: AnyObject): string[] {
  const there = definition.metadata.finalizers ?? [];
  return there.includes(cleanupFinalizer) ? there : [...there, cleanupFinalizer];
}
