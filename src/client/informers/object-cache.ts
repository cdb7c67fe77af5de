import type { KubeObject, ObjectKey } from "../../api/object.ts";
import { keyOf } from "../../api/object.ts";
import type { Change, Index } from "../informer.ts";

type React<T extends KubeObject> = (change: Change<T>) => void;

/**
 * Objects of one kind by namespace and name, with indexes and listeners. Holds references only: in process the objects
 * are those of the API server.
 */
export class ObjectCache<T extends KubeObject> {
  // Two levels, so that the keys are the strings that the objects hold anyway.
  readonly #byNamespace = new Map<string, Map<string, T>>();
  readonly #indexes = new Map<Index<T>, Map<string, Set<T>>>();
  readonly #listeners = new Set<React<T>>();
  readonly #report: (error: unknown) => void;
  #revision = -1;
  #waiting: { revision: number; done: () => void }[] = [];
  readonly #untils = new Set<{ key: ObjectKey; test: (object: T | undefined) => boolean; done: () => void }>();

  /** `report` is told what a listener throws; the other listeners are called all the same. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  get({ namespace = "", name }: ObjectKey): T | undefined {
    return this.#byNamespace.get(namespace)?.get(name);
  }

  list(namespace?: string): readonly T[] {
    if (namespace !== undefined) return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
    return [...this.#byNamespace.values()].flatMap((objects) => [...objects.values()]);
  }

  by(index: Index<T>, value: string): readonly T[] {
    return [...(this.#indexed(index).get(value) ?? [])];
  }

  count(index: Index<T>, value: string): number {
    return this.#indexed(index).get(value)?.size ?? 0;
  }

  onChange(react: React<T>): Disposable {
    // Its own function: the same one registered twice is two listeners.
    const listener: React<T> = (change) => react(change);
    this.#listeners.add(listener);
    for (const after of this.list()) this.#tell(listener, { key: keyOf(after), after });
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  seen(resourceVersion: string): Promise<void> {
    const revision = Number(resourceVersion);
    if (revision <= this.#revision) return Promise.resolve();
    return new Promise((done) => this.#waiting.push({ revision, done }));
  }

  until(key: ObjectKey, test: (object: T | undefined) => boolean): Promise<void> {
    if (test(this.get(key))) return Promise.resolve();
    return new Promise((done) => this.#untils.add({ key, test, done }));
  }

  /** The server's whole list takes the place of what is here; listeners are told the differences. */
  replace(objects: readonly T[], resourceVersion: string): void {
    const kept = new Set<string>();
    for (const object of objects) {
      kept.add(pathOf(object));
      this.#set(object);
    }
    for (const object of this.list()) if (!kept.has(pathOf(object))) this.#remove(object);
    this.reached(resourceVersion);
  }

  /** An object as the server shows it now. */
  put(object: T): void {
    this.#set(object);
    this.reached(object.metadata.resourceVersion);
  }

  remove(object: T): void {
    this.#remove(object);
    this.reached(object.metadata.resourceVersion);
  }

  /** Everything up to this revision has been shown. */
  reached(resourceVersion: string | undefined): void {
    const revision = Number(resourceVersion);
    if (!(revision > this.#revision)) return;
    this.#revision = revision;
    if (this.#waiting.length === 0) return;
    const { ready = [], still = [] } = Object.groupBy(this.#waiting, (waiter) =>
      waiter.revision <= revision ? "ready" : "still",
    );
    this.#waiting = still;
    for (const { done } of ready) done();
  }

  #set(after: T): void {
    const { namespace = "", name } = after.metadata;
    let objects = this.#byNamespace.get(namespace);
    if (!objects) {
      objects = new Map();
      this.#byNamespace.set(namespace, objects);
    }
    const before = objects.get(name);
    if (before && before.metadata.resourceVersion === after.metadata.resourceVersion && sameUid(before, after)) return;
    objects.set(name, after);
    if (before && !sameUid(before, after)) {
      // Deleted and made again while we did not look: two objects, so two changes.
      this.#changed({ key: keyOf(before), before });
      this.#changed({ key: keyOf(after), after });
    } else if (before) this.#changed({ key: keyOf(after), before, after });
    else this.#changed({ key: keyOf(after), after });
  }

  #remove({ metadata: { namespace = "", name } }: T): void {
    const objects = this.#byNamespace.get(namespace);
    const before = objects?.get(name);
    if (!objects || !before) return;
    objects.delete(name);
    if (objects.size === 0) this.#byNamespace.delete(namespace);
    this.#changed({ key: keyOf(before), before });
  }

  #changed(change: Change<T>): void {
    for (const [index, entries] of this.#indexes) {
      if (change.before) for (const value of index(change.before)) takeOut(entries, value, change.before);
      if (change.after) for (const value of index(change.after)) putIn(entries, value, change.after);
    }
    for (const listener of this.#listeners) this.#tell(listener, change);
    for (const until of this.#untils) {
      if (!until.test(this.get(until.key))) continue;
      this.#untils.delete(until);
      until.done();
    }
  }

  #tell(listener: React<T>, change: Change<T>): void {
    try {
      listener(change);
    } catch (error) {
      this.#report(error);
    }
  }

  #indexed(index: Index<T>): Map<string, Set<T>> {
    const known = this.#indexes.get(index);
    if (known) return known;
    const entries = new Map<string, Set<T>>();
    for (const object of this.list()) for (const value of index(object)) putIn(entries, value, object);
    this.#indexes.set(index, entries);
    return entries;
  }
}

function putIn<T>(entries: Map<string, Set<T>>, value: string, object: T): void {
  const objects = entries.get(value);
  if (objects) objects.add(object);
  else entries.set(value, new Set([object]));
}

function takeOut<T>(entries: Map<string, Set<T>>, value: string, object: T): void {
  const objects = entries.get(value);
  objects?.delete(object);
  if (objects?.size === 0) entries.delete(value);
}

const pathOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name}`;
const sameUid = (a: KubeObject, b: KubeObject): boolean => a.metadata.uid === b.metadata.uid;
