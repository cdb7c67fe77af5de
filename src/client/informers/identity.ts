import type { KubeObject } from "../../api/object.ts";

/**
 * What says which object this is, and what keeps it: a fraction of the whole. Most of a cluster's data lies in objects
 * that the server's parts know only in this way.
 */
export function identityOf<T extends KubeObject>({ apiVersion, kind, metadata }: T): T {
  const { name, namespace, uid, resourceVersion, deletionTimestamp, finalizers, ownerReferences } = metadata;
  return Object.freeze({
    apiVersion,
    kind,
    metadata: Object.freeze({
      name,
      uid,
      resourceVersion,
      ...(namespace !== undefined && { namespace }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(finalizers && { finalizers }),
      ...(ownerReferences && { ownerReferences }),
    }),
  }) as unknown as T;
}
