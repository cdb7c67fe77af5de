import { groupVersionFrom, type Kind } from "../api/kind.ts";
import { isLeaving, type KubeObject, keyOf, type ObjectKey } from "../api/object.ts";
import type { Index, Informer, InformerQuery, Informers } from "./informer.ts";

/** The informers of a controller under one roof. Only kinds that the controller declared can be asked for. */
export interface Cache {
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): T | undefined;
  list<T extends KubeObject>(kind: Kind<T>, namespace?: string): readonly T[];
  by<T extends KubeObject>(kind: Kind<T>, index: Index<T>, value: string): readonly T[];
  /** How many they are, without looking at them. */
  count<T extends KubeObject>(kind: Kind<T>, index: Index<T>, value: string): number;
  /** Resolves when the cache shows this state of the object or a later one; at once for kinds that it does not hold. */
  seen(written: KubeObject): Promise<void>;
  /** Resolves when the cache shows that the object is gone or leaving. */
  left<T extends KubeObject>(kind: Kind<T>, object: T): Promise<void>;
  /** Resolves when `test` holds for this very object as the cache shows it, or when it is gone. */
  until<T extends KubeObject>(kind: Kind<T>, object: T, test: (now: T) => boolean): Promise<void>;
}

/** What a cache holds: all objects of a kind, or those of a query. */
export interface Cached {
  readonly kind: Kind;
  readonly query?: InformerQuery;
}

/** Opens the informers of the kinds; resolves when all have their first list. */
export async function openCache(informers: Informers, kinds: readonly Cached[]): Promise<Cache> {
  const held = new Map<string, Informer<KubeObject>>(
    kinds.map(({ kind, query }) => [nameOf(kind), informers.of(kind, query)]),
  );
  await Promise.all([...held.values()].map(({ synced }) => synced));

  function of<T extends KubeObject>(kind: Kind<T>): Informer<T> {
    const informer = held.get(nameOf(kind));
    if (!informer) throw new Error(`${kind.kind} is not among the kinds that were declared`);
    return informer as unknown as Informer<T>;
  }
  const until: Cache["until"] = (kind, object, test) =>
    of(kind).until(keyOf(object), (now) => !now || now.metadata.uid !== object.metadata.uid || test(now));
  return {
    get: (kind, key) => of(kind).get(key),
    list: (kind, namespace) => of(kind).list(namespace),
    by: (kind, index, value) => of(kind).by(index, value),
    count: (kind, index, value) => of(kind).count(index, value),
    async seen({ apiVersion, kind, metadata }) {
      if (!apiVersion || !metadata?.resourceVersion) return;
      await held.get(nameOf({ ...groupVersionFrom(apiVersion), kind }))?.seen(metadata.resourceVersion);
    },
    left: (kind, object) => until(kind, object, isLeaving),
    until,
  };
}

const nameOf = ({ group, kind }: { group: string; kind: string }): string => `${kind}.${group}`;
