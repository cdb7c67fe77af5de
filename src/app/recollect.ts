import type { Kind } from "../api/kind.ts";
import { pod as podKind } from "../api/kinds/core/pod.ts";
import type { KubeObject, ObjectKey } from "../api/object.ts";
import { keyOf } from "../api/object.ts";
import type { Pod } from "../api/schema/types.ts";
import type { Log } from "../base/log.ts";
import type { Recollection } from "../client/recollection.ts";
import type { Entry, Store } from "../store/contract.ts";

/**
 * A node's recollection of the API, in a store of its own, on disk at once: a power cut may come together with the loss of the
 * server. What is told again as it was is not written.
 */
export function recollectionIn(store: Store, log: Log): Recollection {
  const failed = (error: unknown) => log.warn("what the server says could not be kept on the disk", { error });
  function keep(key: string, value: Buffer | undefined): void {
    const there = store.latest(key);
    if (value === undefined) {
      if (there) store.delete(key, { expected: "any", value: () => there.value }).catch(failed);
    } else if (!there?.value.equals(value)) store.put(key, { expected: "any", value: () => value }).catch(failed);
  }
  const put = <T extends KubeObject>(kind: Kind<T>, object: T): void =>
    keep(keyFor(kind, keyOf(object)), bytesOf(object));
  const remove = <T extends KubeObject>(kind: Kind<T>, key: ObjectKey): void => keep(keyFor(kind, key), undefined);

  const recollection: Recollection = {
    list<T extends KubeObject>(kind: Kind<T>) {
      if (!store.get(toldKey(kind))) return undefined;
      return store.list(prefixOf(kind)).entries.map((entry) => objectOf<T>(entry));
    },
    get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey) {
      const entry = store.get(keyFor(kind, key));
      return entry && objectOf<T>(entry);
    },
    replace(kind, items) {
      const kept = new Set(items.map((item) => keyFor(kind, keyOf(item))));
      for (const { key } of store.list(prefixOf(kind)).entries) if (!kept.has(key)) keep(key, undefined);
      for (const item of items) put(kind, item);
      keep(toldKey(kind), Buffer.from("1"));
    },
    put,
    remove,
    keepText: (name, text) => keep(textKey(name), text === undefined ? undefined : Buffer.from(text)),
    text: (name) => store.get(textKey(name))?.value.toString(),
  };
  forgetWhatNoPodNeeds(store, recollection);
  return recollection;
}

/** Secrets, ConfigMaps and tokens that pods needed which are gone: a secret does not stay on a device for ever. */
function forgetWhatNoPodNeeds(store: Store, recollection: Recollection): void {
  const pods = recollection.list(podKind) ?? [];
  const uids = new Set(pods.map(({ metadata }) => metadata.uid));
  for (const { key } of store.list("/texts/").entries) {
    const [, , sort = "", uid = ""] = key.split("/");
    if (sort === "token" && !uids.has(uid)) recollection.keepText(key.slice("/texts/".length), undefined);
  }
  const texts = new Map<string, string>();
  for (const pod of pods)
    texts.set(namespaceOf(pod), `${texts.get(namespaceOf(pod)) ?? ""}${JSON.stringify(pod.spec)}`);
  for (const bucket of ["/secrets/", "/configmaps/"]) {
    for (const entry of store.list(bucket).entries) {
      const { namespace = "", name } = objectOf<KubeObject>(entry).metadata;
      if (texts.get(namespace)?.includes(JSON.stringify(name))) continue;
      void store.delete(entry.key, { expected: "any", value: () => entry.value });
    }
  }
}

const namespaceOf = ({ metadata }: Pod): string => metadata.namespace ?? "";
const prefixOf = ({ group, plural }: Pick<Kind, "group" | "plural">): string =>
  `/${group ? `${plural}.${group}` : plural}/`;
const keyFor = <T extends KubeObject>(kind: Kind<T>, { namespace, name }: ObjectKey): string =>
  `${prefixOf(kind)}${namespace ? `${namespace}/` : ""}${name}`;
const toldKey = <T extends KubeObject>({ group, plural }: Kind<T>): string => `/told/${plural}.${group}`;
const textKey = (name: string): string => `/texts/${name}`;
const bytesOf = (object: KubeObject): Buffer => Buffer.from(JSON.stringify(object));

function objectOf<T>({ value }: Entry): T {
  return frozen(JSON.parse(value.toString())) as T;
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
