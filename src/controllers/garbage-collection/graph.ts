import type { Kind } from "../../api/kind.ts";
import { groupVersionFrom } from "../../api/kind.ts";
import { type KubeObject, keyOf, keyText, type ObjectKey, type OwnerReference } from "../../api/object.ts";
import type { Change, Informer } from "../../client/informer.ts";

/** An object of a known kind; "configmaps//default/web", "roles/rbac.authorization.k8s.io/default/web" in the queue. */
export interface Place {
  readonly kind: Kind;
  readonly key: ObjectKey;
}

/**
 * Who depends on whom. Of the objects themselves it keeps nothing: they are the informers'. It keeps, by the uid of an
 * owner, the places of its dependents.
 */
export class Graph {
  readonly #informers = new Map<string, { readonly kind: Kind; readonly informer: Informer<KubeObject> }>();
  readonly #dependents = new Map<string, Map<string, Place>>();

  add(kind: Kind, informer: Informer<KubeObject>): void {
    this.#informers.set(kindText(kind), { kind, informer });
  }

  remove(kind: Kind): void {
    this.#informers.delete(kindText(kind));
    for (const [uid, places] of this.#dependents) {
      for (const [text, place] of places) if (kindText(place.kind) === kindText(kind)) places.delete(text);
      if (places.size === 0) this.#dependents.delete(uid);
    }
  }

  /** Keeps the account of a change. */
  note(kind: Kind, { key, before, after }: Change<KubeObject>): void {
    const place = { kind, key };
    const [old, now] = [ownersOf(before), ownersOf(after)];
    for (const uid of old) if (!now.has(uid)) this.#forget(uid, place);
    for (const uid of now) {
      const places = this.#dependents.get(uid) ?? new Map<string, Place>();
      this.#dependents.set(uid, places.set(placeText(place), place));
    }
  }

  object({ kind, key }: Place): KubeObject | undefined {
    return this.#informers.get(kindText(kind))?.informer.get(key);
  }

  /** The places of the objects that name this uid as an owner. */
  dependentsOf(uid: string | undefined): readonly Place[] {
    return uid === undefined ? [] : [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  /** Where an owner must be, seen from a dependent; undefined when its kind is not served. */
  placeOf({ apiVersion, kind, name }: OwnerReference, dependentNamespace: string | undefined): Place | undefined {
    const known = this.#informers.get(kindText({ ...groupVersionFrom(apiVersion), kind }))?.kind;
    if (!known) return undefined;
    return { kind: known, key: known.scope === "Cluster" ? { name } : { namespace: dependentNamespace, name } };
  }

  /** Whether an object with this uid exists in any namespace. */
  livesSomewhere(kind: Kind, uid: string): boolean {
    return (
      this.#informers
        .get(kindText(kind))
        ?.informer.list()
        .some(({ metadata }) => metadata.uid === uid) ?? false
    );
  }

  /** The place behind a text of the queue. */
  placeFrom(text: string): Place | undefined {
    const [kindName = "", keyName = ""] = text.split("|");
    const known = this.#informers.get(kindName)?.kind;
    const [first = "", second] = keyName.split("/");
    return known && { kind: known, key: second === undefined ? { name: first } : { namespace: first, name: second } };
  }

  #forget(uid: string, place: Place): void {
    const places = this.#dependents.get(uid);
    places?.delete(placeText(place));
    if (places?.size === 0) this.#dependents.delete(uid);
  }
}

export const placeText = ({ kind, key }: Place): string => `${kindText(kind)}|${keyText(key)}`;
export const placeOfObject = (kind: Kind, object: KubeObject): Place => ({ kind, key: keyOf(object) });
export const ownersOf = (object: KubeObject | undefined): ReadonlySet<string> =>
  new Set(object?.metadata.ownerReferences?.map(({ uid }) => uid));
const kindText = ({ group, kind }: { group: string; kind: string }): string => `${kind}.${group}`;
