import type { Kind } from "../api/kind.ts";
import { pod as podKind } from "../api/kinds/core/pod.ts";
import type { KubeObject, ObjectKey } from "../api/object.ts";
import { keyOf } from "../api/object.ts";
import type { Pod } from "../api/schema/types.ts";
import { qualified } from "../api/status.ts";
import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Recollection } from "../client/recollection.ts";
import type { Entry, Store } from "../store/contract.ts";

/** What a full or failing disk did not take is tried again, so that it is kept as soon as there is room. */
const retry = { firstMs: 1_000, maxMs: 60_000 };

/**
 * A node's recollection of the API, in a store of its own, on disk at once: a power cut may come together with the loss of the
 * server. What is told again as it was is not written.
 */
export function recollectionIn(store: Store, { clock, log }: { clock: Clock; log: Log }): Recollection {
  /** What is to be kept and is not on the disk yet, because it did not take it. */
  const owed = new Map<string, Buffer | undefined>();
  const backoff = new Backoff(retry, clock);
  let isWaiting = false;

  function refused(key: string, value: Buffer | undefined, error: unknown): void {
    if (owed.size === 0) log.warn("what the server says could not be kept on the disk; trying again", { error });
    owed.set(key, value);
    if (isWaiting) return;
    isWaiting = true;
    clock.after(backoff.nextMs(), () => {
      isWaiting = false;
      for (const [owedKey, owedValue] of [...owed]) keep(owedKey, owedValue);
    });
  }
  function taken(key: string): void {
    if (!owed.delete(key) || owed.size > 0) return;
    backoff.reset();
    log.info("what the server says is kept on the disk again");
  }
  function keep(key: string, value: Buffer | undefined): void {
    const there = store.latest(key);
    const isSo = value === undefined ? !there : there?.value.equals(value);
    const writing = isSo ? there && store.committed(there) : write(key, value, there);
    Promise.resolve(writing).then(
      () => taken(key),
      (error: unknown) => refused(key, value, error),
    );
  }
  const write = (key: string, value: Buffer | undefined, there: Entry | undefined): Promise<Entry> =>
    value === undefined
      ? store.delete(key, { expected: "any", value: () => there?.value ?? Buffer.alloc(0) })
      : store.put(key, { expected: "any", value: () => value });
  const kept = (key: string): Buffer | undefined => (owed.has(key) ? owed.get(key) : store.get(key)?.value);
  const keysBelow = (prefix: string): string[] => {
    const keys = [...store.list(prefix).entries.map(({ key }) => key), ...owed.keys()];
    return [...new Set(keys)].filter((key) => key.startsWith(prefix) && kept(key) !== undefined);
  };
  const put = <T extends KubeObject>(kind: Kind<T>, object: T): void =>
    keep(keyFor(kind, keyOf(object)), bytesOf(object));
  const remove = <T extends KubeObject>(kind: Kind<T>, key: ObjectKey): void => keep(keyFor(kind, key), undefined);

  const recollection: Recollection = {
    list<T extends KubeObject>(kind: Kind<T>) {
      if (!kept(toldKey(kind))) return undefined;
      return keysBelow(prefixOf(kind)).flatMap((key) => objectOf<T>(kept(key)) ?? []);
    },
    get: <T extends KubeObject>(kind: Kind<T>, key: ObjectKey) => objectOf<T>(kept(keyFor(kind, key))),
    replace(kind, items) {
      const wanted = new Set(items.map((item) => keyFor(kind, keyOf(item))));
      for (const key of keysBelow(prefixOf(kind))) if (!wanted.has(key)) keep(key, undefined);
      for (const item of items) put(kind, item);
      keep(toldKey(kind), Buffer.from("1"));
    },
    put,
    remove,
    keepText: (name, text) => keep(textKey(name), text === undefined ? undefined : Buffer.from(text)),
    text: (name) => kept(textKey(name))?.toString(),
  };
  forgetWhatNoPodNeeds(store, recollection, (key) => keep(key, undefined));
  return recollection;
}

/** Secrets, ConfigMaps and tokens that pods needed which are gone: a secret does not stay on a device for ever. */
function forgetWhatNoPodNeeds(store: Store, recollection: Recollection, forget: (key: string) => void): void {
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
    for (const { key } of store.list(bucket).entries) {
      const [, , namespace = "", name] = key.split("/");
      if (!texts.get(namespace)?.includes(JSON.stringify(name))) forget(key);
    }
  }
}

const namespaceOf = ({ metadata }: Pod): string => metadata.namespace ?? "";
const prefixOf = (kind: Pick<Kind, "group" | "plural">): string => `/${qualified(kind)}/`;
const keyFor = <T extends KubeObject>(kind: Kind<T>, { namespace, name }: ObjectKey): string =>
  `${prefixOf(kind)}${namespace ? `${namespace}/` : ""}${name}`;
const toldKey = <T extends KubeObject>({ group, plural }: Kind<T>): string => `/told/${plural}.${group}`;
const textKey = (name: string): string => `/texts/${name}`;
const bytesOf = (object: KubeObject): Buffer => Buffer.from(JSON.stringify(object));

function objectOf<T>(value: Buffer | undefined): T | undefined {
  return value && (frozen(JSON.parse(value.toString())) as T);
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
