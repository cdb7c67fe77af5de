import type { Kind } from "../api/kind.ts";
import { type KubeObject, keyOf } from "../api/object.ts";
import { isReason } from "../api/status.ts";
import type { Cache } from "./cache.ts";
import type { Client, DeleteQuery } from "./client.ts";

/** Performs one write; resolves with what to wait for in the cache. */
export type WriteStep = (cache: Cache) => Promise<KubeObject | undefined>;

/**
 * Performs writes in batches of 1, 2, 4 and so on, so that a server that refuses (a quota) is asked once and not a thousand
 * times. Behind the first batch with a refusal nothing is begun. Waits until the cache shows what was written, then throws
 * the first error.
 */
export async function carryOut(cache: Cache, writes: readonly WriteStep[]): Promise<void> {
  let errors: unknown[] = [];
  for (let begun = 0, size = 1; begun < writes.length && errors.length === 0; begun += size, size *= 2) {
    const batch = writes.slice(begun, begun + size).map(async (write) => {
      const written = await write(cache);
      if (written) await cache.seen(written);
    });
    errors = (await Promise.allSettled(batch)).filter(({ status }) => status === "rejected").map(reasonOf);
  }
  if (errors.length > 0) throw errors[0];
}

/** Deletes this very object (not one of the same name); that it is gone already is no error. */
export function deletion<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  query: DeleteQuery = {},
): WriteStep {
  return async (cache) => {
    const { uid } = object.metadata;
    try {
      await client.delete(kind, keyOf(object), { ...query, preconditions: { uid, ...query.preconditions } });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
    await cache.left(kind, object);
    return undefined;
  };
}

const reasonOf = (result: PromiseSettledResult<void>): unknown =>
  result.status === "rejected" ? result.reason : undefined;
