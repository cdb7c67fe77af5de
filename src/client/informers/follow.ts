import type { Kind } from "../../api/kind.ts";
import { type KubeObject, keyOf } from "../../api/object.ts";
import { isReason, type Status, StatusError, statusErrorFrom } from "../../api/status.ts";
import { Backoff, type BackoffOptions } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Client } from "../client.ts";
import type { InformerQuery } from "../informer.ts";
import type { Recollection } from "../recollection.ts";
import { identityOf } from "./identity.ts";
import type { ObjectCache } from "./object-cache.ts";

export interface Followed<T extends KubeObject> {
  readonly client: Client;
  readonly kind: Kind<T>;
  readonly query: InformerQuery;
  readonly cache: ObjectCache<T>;
  readonly clock: Clock;
  readonly log: Log;
  readonly recollection: Recollection;
  /** How long to wait between attempts. */
  readonly retry: BackoffOptions;
  /** Called when the first list is in the cache, told by the server or remembered. */
  readonly synced: () => void;
  /** Called when the first list of a server is in the cache. */
  readonly confirmed: () => void;
}

// The waits that client-go's reflector uses: 0.8 to 30 seconds, up to twice that by chance, so that a thousand agents do not come
// back to a restarted server in the same second.
export const usualRetry: BackoffOptions = { firstMs: 800, maxMs: 30_000, jitter: 1 };
// A watch that ends sooner than this counts as failed: asking again at once could become a busy loop.
const shortWatchMs = 1000;

/**
 * Keeps a cache like the server until aborted: a list, then a watch behind it, resumed where it broke off; a new list when
 * the server no longer has the events in between.
 */
export async function follow<T extends KubeObject>(followed: Followed<T>, signal: AbortSignal): Promise<void> {
  const { client, kind, cache, clock, log, recollection, retry } = followed;
  const { keeps, ...query } = followed.query;
  const kept = (object: T): T => (keeps === "identity" ? identityOf(object) : object);
  const backoff = new Backoff(retry, clock);
  let resourceVersion: string | undefined;
  let isSynced = false;
  const sync = (): void => {
    isSynced = true;
    followed.synced();
  };

  while (!signal.aborted) {
    const startedMs = clock.elapsed();
    try {
      if (resourceVersion === undefined) {
        const list = await client.list(kind, query);
        if (signal.aborted) return;
        cache.replace(list.items.map(kept), list.metadata.resourceVersion);
        recollection.replace(kind, list.items);
        resourceVersion = list.metadata.resourceVersion;
        sync();
        followed.confirmed();
      }
      for await (const { type, object } of client.watch(kind, { ...query, resourceVersion }, signal)) {
        if (type === "ERROR") throw statusErrorFrom(object as unknown as Partial<Status>);
        if (type === "BOOKMARK") cache.reached(object.metadata.resourceVersion);
        else if (type === "DELETED") {
          cache.remove(object);
          recollection.remove(kind, keyOf(object));
        } else {
          cache.put(kept(object));
          recollection.put(kind, object);
        }
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
        backoff.reset();
      }
      if (clock.elapsed() - startedMs >= shortWatchMs) continue;
    } catch (error) {
      if (signal.aborted) return;
      if (isReason(error, "Expired") || isReason(error, "Gone")) resourceVersion = undefined;
      else log.debug("watch broke off, trying again", { resource: kind.plural, error });
      const remembered = isSynced || error instanceof StatusError ? undefined : recollection.list(kind);
      if (remembered) {
        log.info("no server answers: going on with what is remembered", { resource: kind.plural });
        cache.replace(remembered.map(kept), "0");
        sync();
      }
    }
    await backoff.wait(signal);
  }
}
