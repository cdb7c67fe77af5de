import { apiVersionOf, type Kind } from "../api/kind.ts";
import type { KubeObject } from "../api/object.ts";
import type { BackoffOptions } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "./client.ts";
import type { Informer, InformerQuery, Informers } from "./informer.ts";
import { follow, usualRetry } from "./informers/follow.ts";
import { ObjectCache } from "./informers/object-cache.ts";
import { noRecollection, type Recollection } from "./recollection.ts";

export interface InformersOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What is shown while no server has answered yet. */
  readonly recollection?: Recollection;
  /** How long to wait between attempts to reach the server; client-go's waits when absent. */
  readonly retry?: BackoffOptions;
}

/** Informers over a client. Disposing stops them all; what they hold can still be read. */
export function openInformers(
  client: Client,
  { clock, log, recollection = noRecollection, retry = usualRetry }: InformersOptions,
): Informers {
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  const started = new Map<string, Informer<never>>();

  function start<T extends KubeObject>(kind: Kind<T>, query: InformerQuery): Informer<T> {
    const { promise: synced, resolve, reject } = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    // Who waits is told; nobody has to wait.
    for (const promise of [synced, told.promise]) promise.catch(() => {});
    stop.signal.addEventListener("abort", () => {
      const error = new Error(`the informer of ${kind.plural} was stopped`);
      reject(error);
      told.reject(error);
    });
    const cache = new ObjectCache<T>((error) => log.error("a reaction to a change failed", { kind: kind.kind, error }));
    const confirmed = told.resolve;
    const parts = { client, kind, query, cache, clock, log, recollection, retry, synced: resolve, confirmed };
    running.push(follow(parts, stop.signal));
    return {
      synced,
      confirmed: told.promise,
      get: (key) => cache.get(key),
      list: (namespace) => cache.list(namespace),
      by: (index, value) => cache.by(index, value),
      count: (index, value) => cache.count(index, value),
      onChange: (react) => cache.onChange(react),
      seen: (resourceVersion) => cache.seen(resourceVersion),
      until: (key, test) => cache.until(key, test),
    };
  }

  return {
    of<T extends KubeObject>(kind: Kind<T>, query: InformerQuery = {}): Informer<T> {
      const { namespace = "", labelSelector = "", fieldSelector = "", keeps = "" } = query;
      const whole = [apiVersionOf(kind), kind.plural, namespace, labelSelector, fieldSelector].join(" ");
      const name = `${whole} ${keeps}`;
      // Who needs only part of the objects is served by an informer that has them whole anyway.
      const known = (started.get(`${whole} `) ?? started.get(name)) as unknown as Informer<T> | undefined;
      if (known) return known;
      const informer = start(kind, query);
      started.set(name, informer as unknown as Informer<never>);
      return informer;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(running);
    },
  };
}
