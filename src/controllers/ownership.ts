import { apiVersionOf, type Kind } from "../api/kind.ts";
import {
  controllerRef,
  isLeaving,
  type KubeObject,
  keyOf,
  type ObjectKey,
  type OwnerReference,
} from "../api/object.ts";
import { type LabelSelector, selects } from "../api/selector.ts";
import type { Cache } from "../client/cache.ts";
import type { WriteStep } from "../client/carry-out.ts";
import type { Client } from "../client/client.ts";

/** Objects by the uid of the one that controls them. */
export const byController = (object: KubeObject): readonly string[] => {
  const owner = controllerRef(object);
  return owner ? [owner.uid] : [];
};

/** Objects that nobody controls, by namespace. */
export const orphans = (object: KubeObject): readonly string[] =>
  controllerRef(object) ? [] : [object.metadata.namespace ?? ""];

/** What a controller should do about whose an object is. */
export interface Claim<T extends KubeObject> {
  /** Those that are the owner's and match. */
  readonly owned: readonly T[];
  /** Nobody's, and they match: to be taken in. They count as owned. */
  readonly adopt: readonly T[];
  /** The owner's, but they match no longer: to be let go. */
  readonly release: readonly T[];
}

/** Sorts the objects that an owner controls and those that nobody does, by the owner's selector. */
export function claim<T extends KubeObject>(from: {
  readonly owner: KubeObject;
  readonly selector: LabelSelector;
  readonly controlled: readonly T[];
  readonly orphans: readonly T[];
}): Claim<T> {
  const { owner, selector, controlled, orphans } = from;
  const matches = (object: T): boolean => selects(selector, object.metadata.labels);
  if (isLeaving(owner)) return { owned: controlled.filter(matches), adopt: [], release: [] };
  const adopt = orphans.filter((object) => !isLeaving(object) && matches(object));
  return {
    owned: [...controlled.filter(matches), ...adopt],
    adopt,
    release: controlled.filter((object) => !matches(object) && !isLeaving(object)),
  };
}

/** The claim of an owner to the objects of a kind that the cache shows; `counts` leaves some of them out. */
export function claimIn<T extends KubeObject>(
  cache: Cache,
  kind: Kind<T>,
  from: {
    readonly owner: KubeObject;
    readonly selector: LabelSelector;
    readonly counts?: (object: T) => boolean;
  },
): Claim<T> {
  const { owner, selector, counts = () => true } = from;
  return claim({
    owner,
    selector,
    controlled: cache.by(kind, byController, owner.metadata.uid ?? "").filter(counts),
    orphans: cache.by(kind, orphans, owner.metadata.namespace ?? "").filter(counts),
  });
}

/** The reference by which an object says that `owner` controls it. */
export function controlledBy<T extends KubeObject>(kind: Kind<T>, owner: T): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The writes that make a claim true. */
export function settleClaim<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  { adopt, release }: Claim<T>,
  reference: OwnerReference,
  /** Finalizers that come with being owned, and go with it. */
  { finalizers = [] }: { finalizers?: readonly string[] } = {},
): WriteStep[] {
  const own =
    (object: T, ownerReferences: OwnerReference[], more: object = {}) =>
    () =>
      client.patch(kind, keyOf(object), {
        type: "merge",
        // With the resourceVersion: of two who see the same orphan one is refused.
        document: {
          metadata: {
            ownerReferences,
            ...more,
            uid: object.metadata.uid,
            resourceVersion: object.metadata.resourceVersion,
          },
        },
      });
  const others = (object: T) => (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== reference.uid);
  return [
    ...adopt.map((object) =>
      own(object, [...others(object), reference], {
        ...(finalizers.length > 0 && {
          finalizers: [...new Set([...(object.metadata.finalizers ?? []), ...finalizers])],
        }),
      }),
    ),
    ...release.map((object) => {
      const kept = (object.metadata.finalizers ?? []).filter((one) => !finalizers.includes(one));
      return own(object, others(object), finalizers.length > 0 ? { finalizers: kept } : {});
    }),
  ];
}

/** Keys for a watch: the controller of this kind; for an orphan, every owner in its namespace whose selector matches. */
export function ownersOf<T extends KubeObject>(
  kind: Kind<T>,
  selectorOf: (owner: T) => LabelSelector | undefined,
): (object: KubeObject, cache: Cache) => readonly ObjectKey[] {
  return (object, cache) => {
    const { namespace, labels } = object.metadata;
    const owner = controllerRef(object);
    if (owner) {
      const isOurs = owner.kind === kind.kind && owner.apiVersion === apiVersionOf(kind);
      return isOurs ? [{ namespace, name: owner.name }] : [];
    }
    if (!labels || isLeaving(object)) return [];
    return cache
      .list(kind, namespace)
      .filter((candidate) => selects(selectorOf(candidate), labels))
      .map(keyOf);
  };
}
