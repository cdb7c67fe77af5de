import type { AnyObject } from "../../api/object.ts";
import { type NamedByPod, namedByPod } from "../../api/pod-references.ts";
import type { Pod } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { Follower } from "../registry/follower.ts";
import { heldObject } from "../registry/held.ts";

/** On the picture of a static pod that a node shows. */
export const mirrorAnnotation = "kubernetes.io/config.mirror";

/** The kinds of objects that pods need to run. */
export type Needed = NamedByPod | "persistentvolumes" | "resourceclaims" | "serviceaccounts";

/** Something that a pod needs. */
interface Need {
  readonly resource: Needed;
  readonly name: string;
}

interface KnownPod {
  readonly node: string;
  /** Changes when what the pod needs may have. */
  readonly version: string;
  readonly needs: readonly string[];
}

/** Which objects the pods of each node need (Kubernetes docs, "Using Node Authorization"). */
export class NeededByNodes implements Disposable {
  readonly #store: Store;
  readonly #follower: Follower;
  readonly #pods = new Map<string, KnownPod>();
  /** By node, how many of its pods need what. */
  readonly #byNode = new Map<string, Map<string, number>>();

  constructor(store: Store) {
    this.#store = store;
    this.#follower = new Follower(store, ["/pods/"], {
      clear: () => {
        this.#pods.clear();
        this.#byNode.clear();
      },
      put: (_prefix, key, object) => this.#put(key, object),
      remove: (_prefix, key) => this.#remove(key),
    });
  }

  /** Whether a pod on the node needs the object. */
  has(node: string, resource: Needed, namespace: string, name: string): boolean {
    this.#follower.refresh();
    const needed = this.#byNode.get(node);
    if (!needed) return false;
    if (resource === "persistentvolumes") return this.#needsVolume(needed, name);
    if (needed.has(needText(namespace, { resource, name }))) return true;
    return resource === "secrets" && this.#volumesOf(needed).some((volume) => hasSecret(volume, namespace, name));
  }

  #needsVolume(needed: ReadonlyMap<string, number>, name: string): boolean {
    const claim = this.#volume(name)?.claimRef;
    return claim !== undefined && needed.has(claimText(claim.namespace ?? "", claim.name ?? ""));
  }

  /** The volumes behind the claims that are needed. */
  #volumesOf(needed: ReadonlyMap<string, number>): VolumeSpec[] {
    return [...needed.keys()].flatMap((text) => {
      const [resource, namespace, name] = text.split("/");
      if (resource !== "persistentvolumeclaims") return [];
      const entry = this.#store.get(`/persistentvolumeclaims/${namespace}/${name}`);
      const volumeName = entry && (heldObject(entry).spec as { volumeName?: string } | undefined)?.volumeName;
      const volume = volumeName ? this.#volume(volumeName) : undefined;
      // The volume decides whose it is: a claim can name any.
      return volume && volume.claimRef?.namespace === namespace && volume.claimRef?.name === name ? [volume] : [];
    });
  }

  #volume(name: string): VolumeSpec | undefined {
    const entry = this.#store.get(`/persistentvolumes/${name}`);
    return entry && (heldObject(entry).spec as VolumeSpec);
  }

  #put(key: string, object: AnyObject): void {
    const pod = object as unknown as Pod;
    const { metadata, spec, status } = pod;
    const node = spec?.nodeName;
    if (!node) {
      this.#remove(key);
      return;
    }
    const version = JSON.stringify([metadata.uid, metadata.generation, node, status?.resourceClaimStatuses]);
    if (this.#pods.get(key)?.version === version) return;
    this.#remove(key);
    const needs = [...new Set(needsOf(pod).map((need) => needText(metadata.namespace ?? "", need)))];
    this.#pods.set(key, { node, version, needs });
    const needed = this.#byNode.get(node) ?? new Map<string, number>();
    this.#byNode.set(node, needed);
    for (const need of needs) needed.set(need, (needed.get(need) ?? 0) + 1);
  }

  #remove(key: string): void {
    const known = this.#pods.get(key);
    if (!known) return;
    this.#pods.delete(key);
    const needed = this.#byNode.get(known.node);
    for (const need of known.needs) {
      const others = (needed?.get(need) ?? 1) - 1;
      if (others > 0) needed?.set(need, others);
      else needed?.delete(need);
    }
    if (needed?.size === 0) this.#byNode.delete(known.node);
  }

  [Symbol.dispose](): void {
    this.#follower[Symbol.dispose]();
  }
}

interface VolumeSpec {
  readonly claimRef?: { readonly namespace?: string; readonly name?: string };
}

function hasSecret(volume: VolumeSpec, namespace: string, name: string): boolean {
  const found: SecretReference[] = [];
  collectSecretReferences(volume, volume.claimRef?.namespace ?? "", found);
  return found.some((secret) => secret.namespace === namespace && secret.name === name);
}

interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

/** Secrets that a volume's driver is handed: `…SecretRef`, `secretRef`, or an Azure file's. */
function collectSecretReferences(value: unknown, ofClaim: string, found: SecretReference[]): void {
  if (typeof value !== "object" || value === null) return;
  for (const [field, inner] of Object.entries(value as Record<string, unknown>)) {
    if (typeof inner !== "object" || inner === null) continue;
    const { name, namespace, secretName, secretNamespace } = inner as Record<string, string | undefined>;
    if (/secretRef$/i.test(field) && name) found.push({ namespace: namespace ?? ofClaim, name });
    else if (field === "azureFile" && secretName)
      found.push({ namespace: secretNamespace ?? ofClaim, name: secretName });
    else collectSecretReferences(inner, ofClaim, found);
  }
}

function needText(namespace: string, { resource, name }: Need): string {
  return `${resource}/${namespace}/${name}`;
}

function claimText(namespace: string, name: string): string {
  return needText(namespace, { resource: "persistentvolumeclaims", name });
}

function needsOf(pod: Pod): Need[] {
  // A mirror pod is the node's own account of what it runs: it opens nothing to the node.
  if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return [];
  return [{ resource: "serviceaccounts", name: pod.spec.serviceAccountName || "default" }, ...referencesOf(pod)];
}

/** The objects of other kinds that a pod names, but for its service account. */
export function referencesOf({ metadata, spec, status }: Pod): Need[] {
  const { volumes = [] } = spec;
  const needs: Need[] = [];
  for (const { name, ephemeral } of volumes)
    if (ephemeral) needs.push({ resource: "persistentvolumeclaims", name: `${metadata.name}-${name}` });
  for (const { resourceClaimName } of [...(spec.resourceClaims ?? []), ...(status?.resourceClaimStatuses ?? [])])
    if (resourceClaimName) needs.push({ resource: "resourceclaims", name: resourceClaimName });
  return [...needs, ...namedByPod(spec)];
}
