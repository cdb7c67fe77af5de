import { isDeepStrictEqual } from "node:util";
import type { AnyObject } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { mirrorAnnotation, type Needed, referencesOf } from "../authorize/needed-by-nodes.ts";
import { heldObject } from "../registry/held.ts";
import type { Review } from "./admission.ts";

/** Why a node may not do this to a pod; undefined when it may: to those that are bound to it only. */
export function podRefusal(node: string, review: Review, store: Store): string | undefined {
  const { call, object, old, operation } = review;
  const who = `node ${JSON.stringify(node)}`;
  if (call.subresource === "eviction") {
    const entry = store.get(`/pods/${call.namespace}/${call.name ?? object?.metadata.name}`);
    return !entry || isOn(heldObject(entry), node)
      ? undefined
      : `node ${node} can only evict pods with spec.nodeName set to itself`;
  }
  if (call.subresource === "status") {
    if (!old || !isOn(old, node)) return `${who} can only update pod status for pods with spec.nodeName set to itself`;
    if (!isDeepStrictEqual({ ...object?.metadata.labels }, { ...old.metadata.labels }))
      return `${who} cannot update labels through pod status`;
    return isDeepStrictEqual(claimStatuses(object), claimStatuses(old))
      ? undefined
      : `${who} cannot update resource claim statues`;
  }
  if (call.subresource !== undefined)
    return `unexpected pod subresource ${JSON.stringify(call.subresource)}, only 'status' and 'eviction' are allowed`;
  if (operation === "CREATE" && object) return mirrorRefusal(node, object as unknown as Pod, store);
  if (operation === "DELETE")
    return old && isOn(old, node) ? undefined : `${who} can only delete pods with spec.nodeName set to itself`;
  return `unexpected operation ${JSON.stringify(operation)}, ${who} can only create and delete mirror pods`;
}

/** A node shows which static pods it runs: its own, and such as lead to nothing else of the cluster. */
function mirrorRefusal(node: string, pod: Pod, store: Store): string | undefined {
  const who = `node ${JSON.stringify(node)}`;
  const { metadata, spec } = pod;
  if (metadata.annotations?.[mirrorAnnotation] === undefined)
    return `pod does not have ${JSON.stringify(mirrorAnnotation)} annotation, ${who} can only create mirror pods`;
  if (spec.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`;
  return ownerRefusal(node, pod, store) ?? referenceRefusal(who, pod);
}

function ownerRefusal(node: string, { metadata }: Pod, store: Store): string | undefined {
  const who = `node ${JSON.stringify(node)}`;
  const [owner, ...others] = metadata.ownerReferences ?? [];
  if (others.length > 0) return `${who} can only create pods with a single owner reference set to itself`;
  if (owner?.apiVersion !== "v1" || owner.kind !== "Node" || owner.name !== node)
    return `${who} can only create pods with an owner reference set to itself`;
  if (!owner.controller) return `${who} can only create pods with a controller owner reference set to itself`;
  if (owner.blockOwnerDeletion) return `${who} must not set blockOwnerDeletion on an owner reference`;
  const entry = store.get(`/nodes/${node}`);
  const uid = entry && heldObject(entry).metadata.uid;
  return owner.uid === uid ? undefined : `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`;
}

/** What a mirror pod may not name, in the order in which it is looked for. */
const forbiddenReferences: readonly Needed[] = ["secrets", "configmaps", "persistentvolumeclaims", "resourceclaims"];

function referenceRefusal(who: string, pod: Pod): string | undefined {
  if (pod.spec.serviceAccountName) return `${who} can not create pods that reference a service account`;
  const named = new Set(referencesOf(pod).map(({ resource }) => resource));
  const found = forbiddenReferences.find((resource) => named.has(resource));
  if (found) return `${who} can not create pods that reference ${found}`;
  const bundles = (pod.spec.volumes ?? []).some(({ projected }) =>
    projected?.sources?.some(({ clusterTrustBundle }) => clusterTrustBundle),
  );
  return bundles ? `${who} can not create pods that reference clustertrustbundles` : undefined;
}

const claimStatuses = (pod: AnyObject | undefined): readonly (readonly [string, string | undefined])[] =>
  ((pod as unknown as Pod | undefined)?.status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [
    name,
    resourceClaimName,
  ]);

/** Whether the pod is bound to this node. */
export function isOn({ spec }: AnyObject, node: string): boolean {
  return (spec as { nodeName?: string } | undefined)?.nodeName === node;
}
