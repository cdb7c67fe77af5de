import { apiVersionOf, groupVersionFrom } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import { isReason } from "../../api/status.ts";
import type { Call } from "../call.ts";
import { fillIn } from "../negotiate/decode-body.ts";
import { createObject } from "../registry/create.ts";
import type { Registry } from "../registry/deps.ts";
import { heldObject } from "../registry/held.ts";
import { sameJson } from "../registry/paths.ts";
import { type Resource, storeKey } from "../registry/resources.ts";
import { updateObject } from "../registry/update.ts";
import { systemUser } from "../user.ts";
import { ownObjects } from "./own-objects.ts";

/** Namespaces that are always there (Kubernetes docs, "Namespaces", "Initial namespaces"). */
export const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease", "default"];

export interface BootstrapOptions {
  readonly serviceCidrs: readonly string[];
}

/** Puts what every cluster has into the store, where it is missing. Roles that were changed get back what they lack. */
export async function bootstrap(registry: Registry, { serviceCidrs }: BootstrapOptions): Promise<void> {
  for (const name of systemNamespaces) await ensure(registry, namespaceObject(name));
  for (const object of ownObjects()) {
    if (object.metadata.namespace) await ensure(registry, namespaceObject(object.metadata.namespace));
    await ensure(registry, object);
  }
  await ensure(registry, serviceCidrObject(serviceCidrs));
}

function namespaceObject(name: string): AnyObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function serviceCidrObject(cidrs: readonly string[]): AnyObject {
  return { apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name: "kubernetes" }, spec: { cidrs } };
}

/** The server's own request on a resource. */
export function systemCall(
  resource: Resource,
  key: { namespace?: string | undefined; name?: string | undefined },
): Call {
  return {
    user: systemUser,
    resource,
    subresource: undefined,
    namespace: key.namespace,
    name: key.name,
    options: {},
    fieldManager: "kube-apiserver",
    warn() {},
    alsoNeeds() {},
  };
}

/** Creates the object unless there is one; a role that lost rules gets them back, as "autoupdate" promises. */
export async function ensure(registry: Registry, object: AnyObject): Promise<void> {
  const { group, version } = groupVersionFrom(object.apiVersion);
  const resource = registry.catalog.ofKind(apiVersionOf({ group, version }), object.kind);
  if (!resource) return;
  const { namespace, name } = object.metadata;
  const call = systemCall(resource, { namespace, name });
  const entry = registry.store.latest(storeKey(resource, namespace, name));
  if (!entry) {
    fillIn(resource, object);
    try {
      await createObject(registry, call, object);
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
    }
    return;
  }
  const there = heldObject(entry);
  if (!isAutoupdated(there) || !lacks(there, object)) return;
  await updateObject(registry, call, { change: (old) => reconciled(old, object) });
}

function isAutoupdated({ metadata }: AnyObject): boolean {
  return metadata.annotations?.["rbac.authorization.kubernetes.io/autoupdate"] === "true";
}

/** Whether rules or subjects that were there at first are missing; aggregated roles keep what controllers gave them. */
function lacks(there: AnyObject, wanted: AnyObject): boolean {
  return ["rules", "subjects"].some((field) => {
    const has = (there[field] ?? []) as unknown[];
    return ((wanted[field] ?? []) as unknown[]).some((item) => !has.some((other) => sameJson(item, other)));
  });
}

function reconciled(old: AnyObject, wanted: AnyObject): AnyObject {
  const next = structuredClone(old);
  for (const field of ["rules", "subjects"]) {
    const has = (next[field] ?? []) as unknown[];
    const missing = ((wanted[field] ?? []) as unknown[]).filter((item) => !has.some((other) => sameJson(item, other)));
    if (missing.length > 0) next[field] = [...has, ...missing];
  }
  return next;
}
