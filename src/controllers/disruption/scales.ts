import { groupVersionFrom } from "../../api/kind.ts";
import { customResourceDefinition } from "../../api/kinds/apiextensions/custom-resource-definition.ts";
import { deployment } from "../../api/kinds/apps/deployment.ts";
import { replicaSet } from "../../api/kinds/apps/replica-set.ts";
import { statefulSet } from "../../api/kinds/apps/stateful-set.ts";
import { replicationController } from "../../api/kinds/core/replication-controller.ts";
import { controllerRef, type KubeObject, type ObjectKey, type OwnerReference } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Cache } from "../../client/cache.ts";
import type { Client } from "../../client/client.ts";
import { kindNamed } from "../resources.ts";

/** What is known of the controllers of a budget's pods. */
export interface Scales {
  /** The sum of what they want, each counted once. */
  readonly wanted: number;
  /** Whether pods are among them that nothing controls. */
  readonly someUnmanaged: boolean;
  /** Why it cannot be told how many there should be. */
  readonly failure?: string;
}

/** Kinds whose objects must be in the cache. */
export const scaledKinds = [deployment, replicaSet, statefulSet, replicationController, customResourceDefinition];

interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

export async function scalesOf(pods: readonly Pod[], cache: Cache, client: Client): Promise<Scales> {
  const known = new Map<string, number>();
  let someUnmanaged = false;
  for (const pod of pods) {
    const owner = controllerRef(pod);
    if (!owner) someUnmanaged = true;
    if (!owner || known.has(owner.uid)) continue;
    const scale = await scaleOf(owner, pod.metadata.namespace ?? "", { cache, client });
    if (typeof scale === "string") return { wanted: 0, someUnmanaged, failure: scale };
    if (!scale) return { wanted: 0, someUnmanaged, failure: `found no controllers for pod "${pod.metadata.name}"` };
    known.set(scale.uid, scale.replicas);
  }
  return { wanted: [...known.values()].reduce((sum, replicas) => sum + replicas, 0), someUnmanaged };
}

/**
 * The scale of what controls a pod: of a Deployment's ReplicaSet, that of the Deployment, while there is one; a text when its
 * kind has none. Another object under the name of the owner is not the owner.
 */
async function scaleOf(
  owner: OwnerReference,
  namespace: string,
  { cache, client }: { cache: Cache; client: Client },
): Promise<Scale | string | undefined> {
  const key = { namespace, name: owner.name };
  switch (`${groupVersionFrom(owner.apiVersion).group}/${owner.kind}`) {
    case "apps/ReplicaSet": {
      const set = ownerIn(owner, cache.get(replicaSet, key));
      const above = set && controllerRef(set);
      const root =
        above?.kind === "Deployment" ? ownerIn(above, cache.get(deployment, { ...key, name: above.name })) : undefined;
      return scaleIn(root ?? set);
    }
    case "apps/StatefulSet":
      return scaleIn(ownerIn(owner, cache.get(statefulSet, key)));
    case "/ReplicationController":
      return scaleIn(ownerIn(owner, cache.get(replicationController, key)));
    default:
      return scaleOfAnother(owner, key, { cache, client });
  }
}

function ownerIn<T extends KubeObject>({ uid }: OwnerReference, found: T | undefined): T | undefined {
  return found?.metadata.uid === uid ? found : undefined;
}

function scaleIn(object: (KubeObject & { spec?: { replicas?: number } }) | undefined): Scale | undefined {
  return object && { uid: object.metadata.uid ?? "", replicas: object.spec?.replicas ?? 1 };
}

/** Asks for the scale of whatever kind it is: also custom resources can have one. */
async function scaleOfAnother(
  owner: OwnerReference,
  key: ObjectKey,
  { cache, client }: { cache: Cache; client: Client },
): Promise<Scale | string | undefined> {
  const { uid, kind, apiVersion } = owner;
  const owning = kindNamed(owner, cache.list(customResourceDefinition));
  if (!owning) return `no matches for kind "${kind}" in version "${apiVersion}"`;
  const { group, version, plural } = owning;
  if (!owning.subresources.scale)
    return `${group ? `${plural}.${group}` : plural} does not implement the scale subresource`;
  try {
    const request = { verb: "get", group, version, resource: plural, ...key, subresource: "scale" } as const;
    const scale = await client.transport.request(request);
    const { metadata, spec } = scale as KubeObject & { spec?: { replicas?: number } };
    return metadata.uid === uid ? { uid, replicas: spec?.replicas ?? 0 } : undefined;
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
    return undefined;
  }
}
