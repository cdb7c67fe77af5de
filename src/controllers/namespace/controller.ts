import { isDeepStrictEqual } from "node:util";
import type { Kind } from "../../api/kind.ts";
import { customResourceDefinition } from "../../api/kinds/apiextensions/custom-resource-definition.ts";
import { apiService } from "../../api/kinds/apiregistration/api-service.ts";
import { namespace } from "../../api/kinds/core/namespace.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { type AnyObject, isLeaving } from "../../api/object.ts";
import type { ListOf } from "../../api/request.ts";
import type { Namespace } from "../../api/schema/types.ts";
import { isReason, notFound } from "../../api/status.ts";
import { timeText } from "../../api/time.ts";
import { messageOf } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import { defineController, settled } from "../../client/controller.ts";
import { extensionKinds } from "../extension-kinds.ts";
import { customKinds, deletableKinds } from "../resources.ts";
import { conditionsOf, type Found, type Remaining } from "./decide.ts";

const finalizer = "kubernetes";
/** How long until another look at content that something else holds (a finalizer of a kind nobody here watches). */
const lookAgainMs = 2000;

/**
 * Empties a namespace that is being deleted, pods first, then takes away its finalizer (Kubernetes docs, "Namespaces";
 * API reference, "NamespaceStatus").
 */
export const namespaceController = defineController({
  name: "namespace",
  component: "namespace-controller",
  reconciles: namespace,
  watches: [
    // A pod that ends slowly holds up the rest: its going is what wakes this controller.
    { kind: pod, keys: ({ metadata }) => [{ name: metadata.namespace ?? "" }], matters: ({ after }) => !after },
  ],
  reads: [customResourceDefinition, apiService],

  async reconcile({ name }, { cache, client, now }) {
    const dying = cache.get(namespace, { name });
    if (!dying || !isLeaving(dying) || !dying.spec.finalizers?.includes(finalizer)) return settled;

    const { kinds: extensions, silent } = await extensionKinds(client, cache.list(apiService));
    const tell = async (found: Omit<Found, "silent">): Promise<Namespace> => {
      const conditions = conditionsOf({ ...found, silent }, dying.status?.conditions ?? [], timeText(now));
      if (isDeepStrictEqual(dying.status?.conditions, conditions)) return dying;
      const status = { ...dying.status, phase: "Terminating", conditions };
      const told = await client.updateStatus(namespace, { ...dying, status });
      await cache.seen(told);
      return told;
    };

    const pods = await empty(client, [pod], name);
    if (pods.failures.length > 0 || hasContent(pods)) {
      // What is left is counted once all of it has been looked at, which waits for the pods.
      await tell({ remaining: [], failures: pods.failures });
      return { again: { afterMs: lookAgainMs } };
    }

    const custom = customKinds(cache.list(customResourceDefinition));
    const deletable = extensions.filter(({ verbs }) => verbs.includes("delete"));
    const kinds = [...deletableKinds, ...custom, ...deletable].filter(({ scope }) => scope === "Namespaced");
    const found = await empty(client, kinds, name);
    const current = await tell(found);
    if (found.failures.length + silent.length > 0 || hasContent(found)) return { again: { afterMs: lookAgainMs } };

    const finalizers = current.spec.finalizers?.filter((one) => one !== finalizer) ?? [];
    const body = { ...current, spec: { ...current.spec, finalizers } } as unknown as AnyObject;
    const at = { group: "", version: "v1", resource: namespace.plural, name, subresource: "finalize" };
    await client.transport.request({ verb: "update", ...at, body });
    return settled;
  },
});

const hasContent = ({ remaining }: Omit<Found, "silent">): boolean =>
  remaining.some(({ objects }) => objects.length > 0);

/** Deletes what there is of every kind; what is left afterwards, and what was refused. */
async function empty(client: Client, kinds: readonly Kind[], name: string): Promise<Omit<Found, "silent">> {
  const remaining: Remaining[] = [];
  const failures: string[] = [];
  for (const kind of kinds) {
    try {
      if (!kind.verbs.includes("list")) {
        // What cannot be looked at is deleted all the same, and nobody knows what is left of it.
        if (kind.verbs.includes("deletecollection")) await deleteAll(client, kind, name);
        continue;
      }
      if ((await listAll(client, kind, name)).length === 0) continue;
      await deleteAll(client, kind, name);
      remaining.push({ resource: `${kind.plural}.${kind.group}`, objects: await listAll(client, kind, name) });
    } catch (error) {
      // A kind that was taken away meanwhile has no objects left.
      if (!isReason(error, "NotFound")) failures.push(messageOf(error));
    }
  }
  return { remaining, failures };
}

async function listAll(client: Client, { group, version, plural }: Kind, name: string): Promise<readonly AnyObject[]> {
  const list = await client.transport.request({ verb: "list", group, version, resource: plural, namespace: name });
  if (!("items" in list)) throw notFound({ group, plural }, name);
  return (list as ListOf<AnyObject>).items;
}

async function deleteAll(client: Client, { group, version, plural, verbs }: Kind, name: string): Promise<void> {
  if (verbs.includes("deletecollection")) {
    const options = { propagationPolicy: "Background" } as const;
    await client.transport.request({
      verb: "deletecollection",
      group,
      version,
      resource: plural,
      namespace: name,
      options,
    });
    return;
  }
  for (const { metadata } of await listAll(client, { group, version, plural } as Kind, name)) {
    await client.transport.request({
      verb: "delete",
      group,
      version,
      resource: plural,
      namespace: name,
      name: metadata.name,
    });
  }
}
