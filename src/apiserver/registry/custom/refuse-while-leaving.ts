import { forbidden } from "../../../api/status.ts";
import type { Registry } from "../deps.ts";
import { heldObject } from "../held.ts";

/** Objects are no longer made of a definition that is going. */
export function refuseWhileLeaving(registry: Registry, group: string, plural: string, name: string): void {
  const entry = registry.store.latest(`/customresourcedefinitions.apiextensions.k8s.io/${plural}.${group}`);
  if (!entry || heldObject(entry).metadata.deletionTimestamp === undefined) return;
  throw forbidden({ group, plural }, name, "create not allowed while custom resource definition is terminating");
}
