import { keyOf, keyText } from "../../api/object.ts";
import type { Pod, Service } from "../../api/schema/types.ts";
import { podCondition } from "../pods.ts";

/**
 * When the change that a round works on came about. Of every Service it is remembered which times its pods had told, so that
 * only those count that are news; the earliest of them is the one for `triggerTime`.
 */
export class TriggerTimes {
  readonly #told = new Map<string, ReadonlyMap<string, string>>();

  next(service: Service, pods: readonly Pod[]): string | undefined {
    const key = keyText(keyOf(service));
    const before = this.#told.get(key) ?? new Map<string, string>();
    const now = timesOf(service, pods);
    this.#told.set(key, now);
    const news = [...now].filter(([name, time]) => time > (before.get(name) ?? "")).map(([, time]) => time);
    return news.sort()[0];
  }

  forget(key: string): void {
    this.#told.delete(key);
  }
}

/** The Service's own time stands under no name. */
function timesOf({ metadata }: Service, pods: readonly Pod[]): ReadonlyMap<string, string> {
  const ofPods = pods.flatMap((pod) => {
    const time = podCondition(pod, "Ready")?.lastTransitionTime;
    return time ? [[pod.metadata.name, time] as const] : [];
  });
  return new Map([["", metadata.creationTimestamp ?? ""], ...ofPods]);
}
