import type { Kind } from "../../api/kind.ts";
import { configMap } from "../../api/kinds/core/config-map.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { secret } from "../../api/kinds/core/secret.ts";
import type { KubeObject } from "../../api/object.ts";
import { claimOfVolume } from "../../api/pod-claims.ts";
import type { ConfigMap, PersistentVolumeClaim, Pod, Secret } from "../../api/schema/types.ts";
import { isReason, notFound, StatusError } from "../../api/status.ts";
import { Backoff } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import type { Recollection } from "../../client/recollection.ts";
import { containersOf } from "../pod/containers.ts";
import type { ReferencedObjects } from "../pod/environment.ts";

/** Holds the ConfigMaps, Secrets and claims that this node's pods name, and only those, each kept up to date by a watch of its own. */
export interface WatchedObjects extends ReferencedObjects, Disposable {
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim>;
  /** Follows what the pod names; `changed` is called when one of them becomes another. Called again it takes up what is new. */
  follow(pod: Pod, changed: () => void): void;
  forget(podUid: string): void;
}

const kinds = { configmap: configMap, secret, persistentvolumeclaims: persistentVolumeClaim } as const;

interface Reference {
  readonly sort: keyof typeof kinds;
  readonly namespace: string;
  readonly name: string;
}

export interface WatchedObjectsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly recollection: Recollection;
}

export function watchObjects({ client, clock, log, recollection }: WatchedObjectsOptions): WatchedObjects {
  const watched = new Map<string, WatchedObject<KubeObject>>();
  const followers = new Map<string, { keys: Set<string>; changed: () => void }>();

  function openOne({ sort, namespace, name }: Reference, key: string): WatchedObject<KubeObject> {
    const kind = kinds[sort] as unknown as Kind<KubeObject>;
    const changed = () => {
      for (const follower of followers.values()) if (follower.keys.has(key)) follower.changed();
    };
    return new WatchedObject({ client, clock, log, recollection, kind, namespace, name, changed });
  }

  function drop(keys: Iterable<string>): void {
    for (const key of keys) {
      if ([...followers.values()].some((follower) => follower.keys.has(key))) continue;
      watched.get(key)?.[Symbol.dispose]();
      watched.delete(key);
    }
  }

  async function get<T extends KubeObject>(reference: Reference): Promise<T> {
    const object = await watched.get(keyOf(reference))?.current();
    if (!object) throw notFound({ group: "", plural: reference.sort }, reference.name);
    return object as T;
  }

  return {
    follow(pod, changed) {
      const references = referencesOf(pod);
      followers.set(pod.metadata.uid ?? "", { keys: new Set(references.map(keyOf)), changed });
      for (const reference of references) {
        const key = keyOf(reference);
        if (!watched.has(key)) watched.set(key, openOne(reference, key));
      }
    },
    forget(podUid) {
      const keys = followers.get(podUid)?.keys ?? [];
      followers.delete(podUid);
      drop(keys);
    },
    configMap: (namespace, name) => get<ConfigMap>({ sort: "configmap", namespace, name }),
    secret: (namespace, name) => get<Secret>({ sort: "secret", namespace, name }),
    claim: (namespace, name) => get<PersistentVolumeClaim>({ sort: "persistentvolumeclaims", namespace, name }),
    [Symbol.dispose]() {
      followers.clear();
      drop([...watched.keys()]);
    },
  };
}

const keyOf = ({ sort, namespace, name }: Reference): string => `${sort}/${namespace}/${name}`;

/** What a pod names in volumes, environments and as pull secrets. */
export function referencesOf(pod: Pod): readonly Reference[] {
  const namespace = pod.metadata.namespace ?? "";
  const maps: (string | undefined)[] = [];
  const secrets: (string | undefined)[] = [];
  const claims: (string | undefined)[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    const { configMap: map, secret: hidden, projected } = volume;
    claims.push(claimOfVolume(pod, volume)?.name);
    maps.push(map?.name);
    secrets.push(hidden?.secretName);
    for (const source of projected?.sources ?? []) {
      maps.push(source.configMap?.name);
      secrets.push(source.secret?.name);
    }
  }
  for (const { spec } of containersOf(pod)) {
    for (const { configMapRef, secretRef } of spec.envFrom ?? []) {
      maps.push(configMapRef?.name);
      secrets.push(secretRef?.name);
    }
    for (const { valueFrom } of spec.env ?? []) {
      maps.push(valueFrom?.configMapKeyRef?.name);
      secrets.push(valueFrom?.secretKeyRef?.name);
    }
  }
  for (const { name } of pod.spec.imagePullSecrets ?? []) secrets.push(name);
  const named = (sort: Reference["sort"], names: readonly (string | undefined)[]) =>
    [...new Set(names)].flatMap((name) => (name ? [{ sort, namespace, name }] : []));
  return [...named("configmap", maps), ...named("secret", secrets), ...named("persistentvolumeclaims", claims)];
}

interface WatchedObjectParts<T extends KubeObject> extends WatchedObjectsOptions {
  readonly kind: Kind<T>;
  readonly namespace: string;
  readonly name: string;
  readonly changed: () => void;
}

class WatchedObject<T extends KubeObject> implements Disposable {
  readonly #parts: WatchedObjectParts<T>;
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  #object: T | undefined;
  /** A server has spoken of it. */
  #isKnown = false;

  constructor(parts: WatchedObjectParts<T>) {
    this.#parts = parts;
    void this.#follow();
  }

  async current(): Promise<T | undefined> {
    await this.#first.promise;
    return this.#object;
  }

  async #follow(): Promise<void> {
    const { client, clock, log, kind, namespace, name } = this.#parts;
    const backoff = new Backoff({ firstMs: 200, maxMs: 30_000 }, clock);
    const query = { namespace, fieldSelector: `metadata.name=${name}` };
    while (!this.#stop.signal.aborted) {
      try {
        const resourceVersion = await this.#fetch();
        backoff.reset();
        for await (const { type, object } of client.watch(kind, { ...query, resourceVersion }, this.#stop.signal)) {
          if (object.metadata.name !== name || type === "BOOKMARK" || type === "ERROR") continue;
          this.#learn(type === "DELETED" ? undefined : object);
        }
      } catch (error) {
        if (!this.#stop.signal.aborted)
          log.debug("a watch broke", { kind: kind.kind, object: `${namespace}/${name}`, error });
        if (!this.#isKnown && !(error instanceof StatusError)) this.#recall();
      }
      await backoff.wait(this.#stop.signal);
    }
  }

  /** Resolves with where a watch has to begin. */
  async #fetch(): Promise<string | undefined> {
    const { client, kind, namespace, name } = this.#parts;
    try {
      this.#learn(await client.get(kind, { namespace, name }));
      return this.#object?.metadata.resourceVersion;
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      this.#learn(undefined);
      return undefined;
    }
  }

  /** No server answers: what it last said holds. What it never spoke of is waited for. */
  #recall(): void {
    const { recollection, kind, namespace, name } = this.#parts;
    const remembered = recollection.get(kind, { namespace, name });
    if (remembered) this.#set(remembered);
  }

  #learn(object: T | undefined): void {
    const { recollection, kind, namespace, name } = this.#parts;
    this.#isKnown = true;
    if (object) recollection.put(kind, object);
    else recollection.remove(kind, { namespace, name });
    this.#set(object);
  }

  #set(object: T | undefined): void {
    const changed = this.#object?.metadata.resourceVersion !== object?.metadata.resourceVersion;
    this.#object = object;
    this.#first.resolve();
    if (changed) this.#parts.changed();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    this.#first.resolve();
  }
}
