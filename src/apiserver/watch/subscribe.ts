import type { RequestOptions } from "../../api/request.ts";
import { StatusError } from "../../api/status.ts";
import { Compacted, type Entry, type StoreEvent, type Watch } from "../../store/contract.ts";
import { convertEntries } from "../registry/custom/forms.ts";
import type { Registry } from "../registry/deps.ts";
import { parseRevision, selectionOf } from "../registry/list.ts";
import { type Resource, storeKey, storePrefix } from "../registry/resources.ts";
import { entriesOf, type SeenEvent, seenThrough } from "./encode-event.ts";

export interface WatchTarget {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly options: Pick<RequestOptions, "labelSelector" | "fieldSelector" | "resourceVersion">;
  readonly sendInitialEvents: boolean | undefined;
}

export interface SeenEvents {
  readonly events: SeenEvent[];
  readonly more: boolean;
}

/** A watch that is open: the state it begins with, and a cursor into what happens from there on. */
export class Subscription implements Disposable {
  #there: readonly Entry[];
  #initial: readonly Entry[] | undefined;
  /** The revision that `initial` shows. */
  readonly initialRevision: number;
  readonly #watch: Watch;
  readonly #resource: Resource;
  readonly #matches: ((entry: Entry) => boolean) | undefined;
  readonly #key: string | undefined;

  /** @throws {StatusError} Expired when the revision is gone, BadRequest when a selector is wrong */
  constructor({ store, oldestRevision }: Registry, target: WatchTarget, wake: () => void) {
    const { resource, namespace, name, options } = target;
    const selection = selectionOf(resource, options);
    this.#resource = resource;
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
        this.#there = list.entries.filter(({ key }) => this.#key === undefined || key === this.#key);
        this.initialRevision = list.revision;
      } else {
        this.#there = [];
        this.initialRevision = revision;
      }
      this.#watch = store.watch(prefix, this.initialRevision, wake);
    } catch (error) {
      throw error instanceof Compacted ? tooOld(revision, error.oldest) : error;
    }
  }

  /** What the watcher is shown as ADDED before anything else. What a webhook converts comes by `convertedInitial` first. */
  get initial(): readonly Entry[] {
    this.#initial ??= this.#there.filter((entry) => this.#matches?.(entry) ?? true);
    this.#there = [];
    return this.#initial;
  }

  async convertedInitial(): Promise<readonly Entry[]> {
    await convertEntries(this.#resource, this.#there);
    return this.initial;
  }

  /** The next events that the watcher is to see, at most `max` of the store's; empty when there is nothing yet. */
  read(max: number): SeenEvents {
    return this.#seen(this.#take(max));
  }

  /** The same, where a webhook converts objects before they can be looked at. */
  async readConverted(max: number): Promise<SeenEvents> {
    const taken = this.#take(max);
    await convertEntries(this.#resource, entriesOf(taken.events));
    return this.#seen(taken);
  }

  #take(max: number): { readonly events: StoreEvent[]; readonly more: boolean } {
    try {
      const read = this.#watch.read(max);
      const events = read.filter(({ entry }) => this.#key === undefined || entry.key === this.#key);
      return { events, more: read.length === max };
    } catch (error) {
      throw error instanceof Compacted ? tooOld(this.#watch.revision, error.oldest) : error;
    }
  }

  #seen({ events, more }: { readonly events: StoreEvent[]; readonly more: boolean }): SeenEvents {
    return { events: events.flatMap((event) => seenThrough(event, this.#matches) ?? []), more };
  }

  /** Everything up to this revision has been read. */
  get revision(): number {
    return this.#watch.revision;
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

function tooOld(revision: number, oldest: number): StatusError {
  return new StatusError("Expired", `too old resource version: ${revision} (${oldest})`);
}
