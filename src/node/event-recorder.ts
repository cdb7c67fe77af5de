import { event } from "../api/kinds/core/event.ts";
import type { Event, ObjectReference } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import { timeText } from "../api/time.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";

/** Tells users what happens to their objects, as Events. Never waits, never fails: what cannot be written is dropped. */
export interface EventRecorder {
  record(about: ObjectReference, type: "Normal" | "Warning", reason: string, message: string): void;
}

/** How many Events are remembered so that a repetition is counted rather than written anew. */
const rememberedAtMost = 1_024;
/** Events that may wait for the server; more are dropped, oldest first. */
const waitingAtMost = 512;

export function openEventRecorder({
  client,
  clock,
  log,
  nodeName,
}: {
  client: Client;
  clock: Clock;
  log: Log;
  nodeName: string;
}): EventRecorder {
  const remembered = new Map<string, Event>();
  const waiting: (() => Promise<void>)[] = [];
  let busy = false;

  async function drain(): Promise<void> {
    if (busy) return;
    busy = true;
    for (let write = waiting.shift(); write; write = waiting.shift()) {
      await write().catch((error: unknown) => log.debug("an event was not written", { error }));
    }
    busy = false;
  }

  async function write(fresh: Event, key: string): Promise<void> {
    const before = remembered.get(key);
    let written: Event | undefined;
    if (before) {
      const { lastTimestamp } = fresh;
      const count = (before.count ?? 1) + 1;
      const document = { count, ...(lastTimestamp && { lastTimestamp }) };
      const name = { namespace: before.metadata.namespace ?? "default", name: before.metadata.name };
      written = await client.patch(event, name, { type: "merge", document }).catch((error: unknown) => {
        // Events live for an hour: the one to be counted up may be gone.
        if (!isReason(error, "NotFound")) throw error;
        return undefined;
      });
    }
    written ??= await client.create(event, fresh);
    remembered.delete(key);
    remembered.set(key, written);
    const oldest = remembered.size > rememberedAtMost ? remembered.keys().next().value : undefined;
    if (oldest !== undefined) remembered.delete(oldest);
  }

  return {
    record(about, type, reason, message) {
      const nowMs = clock.now();
      const fresh: Event = {
        apiVersion: "v1",
        kind: "Event",
        metadata: { namespace: about.namespace ?? "default", name: `${about.name}.${uniqueSuffix(nowMs)}` },
        involvedObject: about,
        type,
        reason,
        message,
        count: 1,
        firstTimestamp: timeText(nowMs),
        lastTimestamp: timeText(nowMs),
        source: { component: "kubelet", host: nodeName },
        reportingComponent: "kubelet",
        reportingInstance: nodeName,
      };
      const { resourceVersion: _, ...object } = about;
      const key = JSON.stringify([object, type, reason, message]);
      if (waiting.length >= waitingAtMost) waiting.shift();
      waiting.push(() => write(fresh, key));
      void drain();
    },
  };
}

let counter = 0;
/** Kubernetes uses the time in nanoseconds; the count behind the milliseconds keeps two of one moment apart. */
function uniqueSuffix(nowMs: number): string {
  counter = (counter + 1) % 1_000_000;
  return (BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(counter)).toString(16);
}
