import { StatusError } from "../../api/status.ts";
import { contentTypeOf } from "../negotiate/accept.ts";
import type { Registry } from "../registry/deps.ts";
import { type EventForm, encodeBookmark, encodeEntryEvent, encodeEvent, framed } from "./encode-event.ts";
import { type SeenEvents, Subscription, type WatchTarget } from "./subscribe.ts";

/** Where the events of a watch go. */
export interface WatchSink {
  /** The answer begins; once, before anything is sent. */
  begin(contentType: string): void;
  /** Sends events, each a part. False: `drained` will be called, and until then no more is to be sent. */
  send(parts: readonly Buffer[], drained: () => void): boolean;
  /** Nothing more comes. */
  end(): void;
  /** Calls when the client is gone. */
  onGone(run: () => void): void;
}

export interface WatchOptions extends WatchTarget {
  readonly eventForm: EventForm;
  readonly bookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
  /** Aborted when the server stops: watches end, so that clients look for another server. */
  readonly stopping: AbortSignal;
}

// Clients that name no time are let go after a while, so that they spread over the servers there are.
const shortestDefaultMs = 30 * 60_000;
const bookmarkEveryMs = 60_000;
/** How many events are read from the store at once. */
const batch = 200;

/** Answers a watch: streams events until the time is over, the client goes or the server stops. */
export function serveWatch(registry: Registry, sink: WatchSink, options: WatchOptions): void {
  const stream = new WatchStream(registry, sink, options);
  stream.start();
}

class WatchStream {
  readonly #registry: Registry;
  readonly #sink: WatchSink;
  readonly #options: WatchOptions;
  #subscription: Subscription | undefined;
  readonly #timers: Disposable[] = [];
  #scheduled = false;
  #blocked = false;
  #ended = false;
  #isFirst = true;
  #bookmarked = 0;
  /** How many of the initial entries have been written, and whether what ends them has. */
  #initialWritten = 0;
  #initialDone = false;
  #isConverting = false;
  /** Whether more has come while events were being converted. */
  #isDue = false;
  readonly #end = (): void => this.#finish();

  constructor(registry: Registry, sink: WatchSink, options: WatchOptions) {
    this.#registry = registry;
    this.#sink = sink;
    this.#options = options;
  }

  start(): void {
    const { form } = this.#options.eventForm;
    const type = contentTypeOf(form) + (form.encoding === "protobuf" ? ";stream=watch" : "");
    try {
      this.#subscription = new Subscription(this.#registry, this.#options, () => this.#schedule());
    } catch (error) {
      // Too old a revision is an event of the watch, not an answer of its own: that is how clients know to list again.
      if (!(error instanceof StatusError && error.reason === "Expired")) throw error;
      this.#sink.begin(type);
      this.#send([framed("ERROR", error.toStatus() as never, form)]);
      this.#sink.end();
      return;
    }
    this.#sink.begin(type);
    this.#sink.onGone(this.#end);
    this.#options.stopping.addEventListener("abort", this.#end);
    const { clock } = this.#registry;
    const { timeoutSeconds } = this.#options;
    const timeoutMs = timeoutSeconds ? timeoutSeconds * 1000 : shortestDefaultMs * (1 + Math.random());
    this.#timers.push(clock.after(timeoutMs, this.#end));
    if (this.#options.bookmarks) this.#bookmarkLater();
    this.#flush();
  }

  #schedule(): void {
    if (this.#scheduled || this.#blocked || this.#ended) return;
    this.#scheduled = true;
    // Events that are committed together are written together.
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Writes as long as the socket takes more; what it does not take stays in the store's history. */
  #flush(): void {
    if (this.#options.resource.custom?.convert) this.#flushConverted();
    else this.#flushAtOnce();
  }

  #flushAtOnce(): void {
    if (this.#blocked || this.#ended || !this.#subscription) return;
    try {
      for (;;) {
        const parts = this.#initialDone
          ? this.#partsOf(this.#subscription.read(batch))
          : this.#nextInitial(this.#subscription);
        if (parts === undefined || !this.#write(parts)) return;
      }
    } catch (error) {
      this.#break(error);
    }
  }

  /** The same, where a webhook converts objects before they can be shown. */
  #flushConverted(): void {
    if (this.#isConverting) {
      this.#isDue = true;
      return;
    }
    this.#isConverting = true;
    this.#isDue = false;
    this.#convertAndWrite()
      .catch((error: unknown) => this.#break(error))
      .finally(() => {
        this.#isConverting = false;
        if (this.#isDue) this.#flush();
      });
  }

  async #convertAndWrite(): Promise<void> {
    while (!this.#blocked && !this.#ended && this.#subscription) {
      const subscription = this.#subscription;
      let parts: Buffer[] | undefined;
      if (this.#initialDone) {
        parts = this.#partsOf(await subscription.readConverted(batch));
      } else {
        await subscription.convertedInitial();
        parts = this.#nextInitial(subscription);
      }
      if (parts === undefined || this.#ended || !this.#write(parts)) return;
    }
  }

  /** Whether the socket takes more. */
  #write(parts: readonly Buffer[]): boolean {
    if (parts.length === 0 || this.#send(parts)) return true;
    this.#blocked = true;
    return false;
  }

  #send(parts: readonly Buffer[]): boolean {
    return this.#sink.send(parts, () => {
      this.#blocked = false;
      this.#flush();
    });
  }

  /** Nobody above catches what happens between two events: one object that cannot be shown must not end the server. */
  #break(error: unknown): void {
    if (error instanceof StatusError)
      this.#send([framed("ERROR", error.toStatus() as never, this.#options.eventForm.form)]);
    else this.#registry.log.error("a watch broke", { resource: this.#options.resource.bucket, error });
    this.#finish();
  }

  /** What events look like; undefined: there is nothing for now. */
  #partsOf({ events, more }: SeenEvents): Buffer[] | undefined {
    const { resource } = this.#options;
    if (events.length === 0 && !more) return undefined;
    return events.map((seen) => encodeEvent(resource, seen, this.#form(), this.#takeFirst()));
  }

  #nextInitial(subscription: Subscription): Buffer[] {
    const { initial } = subscription;
    const from = this.#initialWritten;
    this.#initialWritten = Math.min(initial.length, from + batch);
    const parts = initial
      .slice(from, this.#initialWritten)
      .map((entry) => encodeEntryEvent(this.#options.resource, "ADDED", entry, this.#form(), this.#takeFirst()));
    if (this.#initialWritten < initial.length) return parts;
    this.#initialDone = true;
    return [...parts, ...this.#initialEnd(subscription)];
  }

  #initialEnd(subscription: Subscription): Buffer[] {
    if (!this.#options.sendInitialEvents || !this.#options.bookmarks) return [];
    this.#bookmarked = subscription.initialRevision;
    return [
      encodeBookmark(this.#options.resource, subscription.initialRevision, this.#form(), {
        initialEnd: true,
        isFirst: this.#takeFirst(),
      }),
    ];
  }

  #form(): EventForm {
    return { ...this.#options.eventForm, now: this.#registry.clock.now() };
  }

  #takeFirst(): boolean {
    const first = this.#isFirst;
    this.#isFirst = false;
    return first;
  }

  #bookmarkLater(): void {
    this.#timers[1] = this.#registry.clock.after(bookmarkEveryMs, () => {
      this.#bookmark();
      this.#bookmarkLater();
    });
  }

  /** Only where something happened elsewhere since the last one: an idle cluster sends nothing. */
  #bookmark(): void {
    if (this.#blocked || this.#ended || !this.#subscription) return;
    this.#flush();
    const { revision } = this.#subscription;
    if (this.#blocked || this.#ended || revision <= this.#bookmarked) return;
    this.#bookmarked = revision;
    const options = { initialEnd: false, isFirst: this.#takeFirst() };
    this.#write([encodeBookmark(this.#options.resource, revision, this.#form(), options)]);
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#subscription?.[Symbol.dispose]();
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#options.stopping.removeEventListener("abort", this.#end);
    this.#sink.end();
  }
}
