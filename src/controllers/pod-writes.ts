import { pod } from "../api/kinds/core/pod.ts";
import type { KubeObject } from "../api/object.ts";
import type { Pod } from "../api/schema/types.ts";
import { isReason, type StatusError } from "../api/status.ts";
import { deletion, type WriteStep } from "../client/carry-out.ts";
import type { Unsaved } from "../client/client.ts";
import type { Context } from "../client/controller.ts";

type Writing = Pick<Context, "client" | "events">;

/** Creates a pod for its owner and tells of it. */
export function creationOf(blank: Unsaved<Pod>, owner: KubeObject, { client, events }: Writing): WriteStep {
  return async () => {
    try {
      const created = await client.create(pod, blank);
      const message = `Created pod: ${created.metadata.name}`;
      events.record(owner, { type: "Normal", reason: "SuccessfulCreate", message });
      return created;
    } catch (error) {
      if (isNamespaceLeaving(error)) return undefined;
      const message = `Error creating: ${(error as Error).message}`;
      events.record(owner, { type: "Warning", reason: "FailedCreate", message });
      throw error;
    }
  };
}

/** Deletes a pod for its owner and tells of it. */
export function removalOf(surplus: Pod, owner: KubeObject, { client, events }: Writing): WriteStep {
  return async (cache) => {
    try {
      const gone = await deletion(client, pod, surplus)(cache);
      const message = `Deleted pod: ${surplus.metadata.name}`;
      events.record(owner, { type: "Normal", reason: "SuccessfulDelete", message });
      return gone;
    } catch (error) {
      const message = `Error deleting: ${(error as Error).message}`;
      events.record(owner, { type: "Warning", reason: "FailedDelete", message });
      throw error;
    }
  };
}

/** A creation that is not missed in a namespace that is being deleted. */
export function creationUnlessLeaving<T extends KubeObject>(create: () => Promise<T>): WriteStep {
  return async () => {
    try {
      return await create();
    } catch (error) {
      if (isNamespaceLeaving(error)) return undefined;
      throw error;
    }
  };
}

/** Nothing can be created in a namespace that is being deleted: not worth an Event or another try. */
export function isNamespaceLeaving(error: unknown): boolean {
  return (
    isReason(error, "Forbidden") &&
    (error as StatusError).details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") === true
  );
}
