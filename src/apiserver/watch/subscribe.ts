import type { AnyObject } from "../../api/object.ts";
import type { RequestOptions } from "../../api/request.ts";
import { StatusError } from "../../api/status.ts";
import { Compacted, type Entry, type Watch } from "../../store/contract.ts";
import type { Registry } from "../registry/deps.ts";
import { heldObject } from "../registry/held.ts";
import { parseRevision, selectionOf } from "../registry/list.ts";
import { type Resource, storeKey, storePrefix } from "../registry/resources.ts";
import { type SeenEvent, seenThrough } from "./encode-event.ts";

export interface WatchTarget {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly options: Pick<RequestOptions, "labelSelector" | "fieldSelector" | "resourceVersion">;
  readonly sendInitialEvents: boolean | undefined;
}

/** A watch that is open: the state it begins with, and a cursor into what happens from there on. */
export class Subscription implements Disposable {
  /** What the watcher is shown as ADDED before anything else. */
  readonly initial: readonly Entry[];
  /** The revision that `initial` shows. */
  readonly initialRevision: number;
  readonly #watch: Watch;
  readonly #matches: ((object: AnyObject) => boolean) | undefined;
  readonly #key: string | undefined;

  /** @throws {StatusError} Expired when the revision is gone, BadRequest when a selector is wrong */
  constructor({ store, oldestRevision }: Registry, target: WatchTarget, wake: () => void) {
    const { resource, namespace, name, options } = target;
    const selection = selectionOf(resource, options);
    this.#matches = selection.matches;
    this.#key = name === undefined ? undefined : storeKey(resource, namespace, name);
    const prefix = storePrefix(resource, namespace);
    const { resourceVersion } = options;
    const fromNow = !resourceVersion || resourceVersion === "0";
    const wantsInitial = target.sendInitialEvents ?? fromNow;
    const revision = fromNow
      ? store.revision
      : parseRevision(resourceVersion, (text) => new StatusError(undefined, text, undefined, 500));
    if (!fromNow && revision < oldestRevision) throw tooOld(revision, oldestRevision);
    try {
      if (wantsInitial) {
        const list = store.list(prefix);
        this.initial = list.entries.filter((entry) => this.#shows(entry));
        this.initialRevision = list.revision;
      } else {
        this.initial = [];
        this.initialRevision = revision;
      }
      this.#watch = store.watch(prefix, this.initialRevision, wake);
    } catch (error) {
      throw error instanceof Compacted ? tooOld(revision, error.oldest) : error;
    }
  }

  /** The next events that the watcher is to see, at most `max` of the store's; empty when there is nothing yet. */
  read(max: number): { readonly events: SeenEvent[]; readonly more: boolean } {
    try {
      const read = this.#watch.read(max);
      const events: SeenEvent[] = [];
      for (const event of read) {
        if (this.#key !== undefined && event.entry.key !== this.#key) continue;
        const seen = seenThrough(event, this.#matches);
        if (seen) events.push(seen);
      }
      return { events, more: read.length === max };
    } catch (error) {
      throw error instanceof Compacted ? tooOld(this.#watch.revision, error.oldest) : error;
    }
  }

  /** Everything up to this revision has been read. */
  get revision(): number {
    return this.#watch.revision;
  }

  #shows(entry: Entry): boolean {
    if (this.#key !== undefined && entry.key !== this.#key) return false;
    return this.#matches?.(heldObject(entry)) ?? true;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

function tooOld(revision: number, oldest: number): StatusError {
  return new StatusError("Expired", `too old resource version: ${revision} (${oldest})`);
}
