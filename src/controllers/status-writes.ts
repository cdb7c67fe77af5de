import type { Kind } from "../api/kind.ts";
import { type KubeObject, keyOf } from "../api/object.ts";
import { isReason } from "../api/status.ts";
import type { WriteStep } from "../client/carry-out.ts";
import type { Client } from "../client/client.ts";

/**
 * Writes what was counted into the object's status, also when somebody changed the object meanwhile: a count is no less true
 * for that, and says by its observedGeneration what it was made for.
 */
export function statusWrite<T extends KubeObject & { status?: unknown }>(
  client: Client,
  kind: Kind<T>,
  object: T,
  status: T["status"],
): WriteStep {
  return async () => {
    try {
      return await client.updateStatus(kind, { ...object, status });
    } catch (error) {
      if (!isReason(error, "Conflict")) throw error;
      const live = await client.get(kind, keyOf(object));
      if (live.metadata.uid !== object.metadata.uid) throw error;
      return client.updateStatus(kind, { ...live, status });
    }
  };
}
