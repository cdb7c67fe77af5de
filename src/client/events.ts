import { event } from "../api/kinds/core/event.ts";
import type { KubeObject } from "../api/object.ts";
import type { Event, ObjectReference } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import { microTimeText, timeText } from "../api/time.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "./client.ts";
import { EventCorrelator } from "./events/correlator.ts";

export interface EventNews {
  readonly type: "Normal" | "Warning";
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
  /** What the component was doing; makes it an event in the newer form, whose repeats are a series. */
  readonly action?: string;
  /** Which part of the object: "spec.containers{web}". */
  readonly fieldPath?: string;
}

/** Writes Events about objects; repeats are counted instead of written again. Never throws and never makes anyone wait. */
export interface EventRecorder extends Disposable {
  record(about: KubeObject | ObjectReference, news: EventNews): void;
  /** Resolves when all that was recorded has been sent. */
  idle(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** Who says it ("kubelet", "default-scheduler"). */
  readonly component: string;
  /** The node, for components that run on each. */
  readonly host?: string;
}

/** What was told, and when: sending may take longer, and what was told at once shall bear the same time. */
interface Recorded {
  readonly about: ObjectReference;
  readonly news: EventNews;
  readonly atMs: number;
}

// Events that cannot be sent fast enough are dropped, oldest kept: they are news, not state.
const maxWaiting = 1000;

export function openEventRecorder({ client, clock, log, component, host }: EventRecorderOptions): EventRecorder {
  const correlator = new EventCorrelator(clock);
  const waiting: Recorded[] = [];
  let sending: Promise<void> = Promise.resolve();
  let running = false;
  let stopped = false;
  let serial = 0;

  async function send(): Promise<void> {
    for (let next = waiting.shift(); next && !stopped; next = waiting.shift()) {
      try {
        await sendOne(next);
      } catch (error) {
        log.debug("event not recorded", { reason: next.news.reason, object: next.about.name, error });
      }
    }
    running = false;
  }

  async function sendOne({ about, news, atMs }: Recorded): Promise<void> {
    const decision = correlator.decide(about, news);
    if (decision.verdict === "drop") return;
    const namespace = about.namespace || "default";
    if (decision.verdict === "repeat") {
      try {
        await client.patch(
          event,
          { namespace, name: decision.name },
          { type: "merge", document: repeatOf(decision, atMs) },
        );
        correlator.written(decision, decision.name);
        return;
      } catch (error) {
        // The Event has expired meanwhile: this is a new one.
        if (!isReason(error, "NotFound")) throw error;
      }
    }
    const name = `${about.name}.${(BigInt(atMs) * 1_000_000n + BigInt(serial++ % 1_000_000)).toString(16)}`;
    const told = { ...news, message: decision.message };
    await client.create(event, newEvent({ about, news: told, atMs, namespace, name }));
    correlator.written({ ...decision, count: 1 }, name);
  }

  function repeatOf({ count, message, series }: { count: number; message: string; series: boolean }, atMs: number) {
    return series
      ? { series: { count, lastObservedTime: microTimeText(atMs) } }
      : { count, message, lastTimestamp: timeText(atMs) };
  }

  function newEvent(from: Recorded & { namespace: string; name: string }) {
    const { about, news, atMs, namespace, name } = from;
    const { type, reason, message, action, fieldPath } = news;
    const seconds = timeText(atMs);
    const told = action
      ? { eventTime: microTimeText(atMs), action, reportingInstance: host ? `${component}-${host}` : component }
      : {
          source: { component, ...(host && { host }) },
          count: 1,
          firstTimestamp: seconds,
          lastTimestamp: seconds,
          reportingInstance: host ?? "",
        };
    const involvedObject = { ...about, ...(fieldPath && { fieldPath }) };
    const metadata = { name, namespace };
    return { metadata, involvedObject, type, reason, message, reportingComponent: component, ...told } satisfies Omit<
      Event,
      "apiVersion" | "kind"
    >;
  }

  return {
    record(about, news) {
      if (stopped || waiting.length >= maxWaiting) return;
      waiting.push({ about: "metadata" in about ? referenceTo(about) : about, news, atMs: clock.now() });
      if (running) return;
      running = true;
      sending = send();
    },
    idle: () => sending,
    [Symbol.dispose]() {
      stopped = true;
    },
  };
}

/** What an Event says of the object it is about. */
export function referenceTo({ apiVersion, kind, metadata }: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return {
    kind,
    ...(namespace && { namespace }),
    name,
    ...(uid && { uid }),
    apiVersion,
    ...(resourceVersion && { resourceVersion }),
  };
}
