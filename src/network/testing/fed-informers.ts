import type { Kind } from "../../api/kind.ts";
import { type KubeObject, keyOf, keyText } from "../../api/object.ts";
import type { Change, Informer, Informers } from "../../client/informer.ts";

/** Informers that hold what a test puts into them. */
export interface FedInformers extends Informers {
  put(plural: string, object: KubeObject): void;
  remove(plural: string, key: { namespace?: string | undefined; name: string }): void;
}

/** Informers without a server, in sync from the beginning. */
export function fedInformers(): FedInformers {
  const fed = new Map<string, ReturnType<typeof fedInformer>>();
  const at = (plural: string) => {
    let informer = fed.get(plural);
    if (!informer) fed.set(plural, (informer = fedInformer()));
    return informer;
  };
  return {
    of: <T extends KubeObject>(kind: Kind<T>) => at(kind.plural).informer as unknown as Informer<T>,
    put: (plural, object) => at(plural).set(keyText(keyOf(object)), object),
    remove: (plural, key) => at(plural).set(keyText(key), undefined),
    [Symbol.asyncDispose]: async () => {},
  };
}

function fedInformer() {
  const objects = new Map<string, KubeObject>();
  const reactions = new Set<(change: Change<KubeObject>) => void>();
  const informer: Informer<KubeObject> = {
    synced: Promise.resolve(),
    confirmed: Promise.resolve(),
    seen: async () => {},
    until: (key, test) =>
      new Promise((resolve) => {
        const look = () => {
          if (!test(objects.get(keyText(key)))) return;
          reactions.delete(look);
          resolve();
        };
        reactions.add(look);
        look();
      }),
    get: (key) => objects.get(keyText(key)),
    list: (namespace) =>
      [...objects.values()].filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    by: (index, value) => [...objects.values()].filter((object) => index(object).includes(value)),
    count: (index, value) => informer.by(index, value).length,
    onChange(react) {
      reactions.add(react);
      for (const after of objects.values()) react({ key: keyOf(after), after });
      return { [Symbol.dispose]: () => void reactions.delete(react) };
    },
  };
  return {
    informer,
    set(key: string, after: KubeObject | undefined) {
      const before = objects.get(key);
      if (after) objects.set(key, after);
      else objects.delete(key);
      const object = after ?? before;
      if (!object) return;
      for (const react of reactions) react({ key: keyOf(object), before, after } as Change<KubeObject>);
    },
  };
}
