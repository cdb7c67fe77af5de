import type { AnyObject } from "../../api/object.ts";
import objects from "./own-objects.json" with { type: "json" };

/**
 * What an API server puts into an empty cluster by itself: default roles and bindings (Kubernetes docs, "Using RBAC
 * Authorization", section "Default roles and role bindings"), flow schemas, priority levels and priority classes.
 * In the order in which they are made. The caller gets copies of its own.
 */
export function ownObjects(): AnyObject[] {
  return structuredClone(objects) as AnyObject[];
}
