import { customResourceDefinition } from "../../../api/kinds/apiextensions/custom-resource-definition.ts";
import { forbidden } from "../../../api/status.ts";
import type { Registry } from "../deps.ts";
import { latestObject } from "../objects.ts";

/** Objects are no longer made of a definition that is going. */
export function refuseWhileLeaving(registry: Registry, group: string, plural: string, name: string): void {
  const definition = latestObject(registry.store, customResourceDefinition, { name: `${plural}.${group}` });
  if (definition?.metadata.deletionTimestamp === undefined) return;
  throw forbidden({ group, plural }, name, "create not allowed while custom resource definition is terminating");
}
