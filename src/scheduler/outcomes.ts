import { pod } from "../api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../api/object.ts";
import type { Pod } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { EventRecorder } from "../client/events.ts";
import { disruptedBy, notScheduled, type Trouble } from "./conditions.ts";
import type { PodInfo } from "./pod-info.ts";
import { schedulerNameOf } from "./profile.ts";

/** Writes what a round decided to the API: a binding, or why there is none. What is said of one pod arrives in the order in which it was said. */
export interface Outcomes {
  bind(info: PodInfo, nodeName: string): Promise<void>;
  /** Tells that somebody else has bound it. */
  bound(info: PodInfo, nodeName: string): void;
  /** Where the pod is going to be, while something still has to be done for it; undefined takes that back. */
  nominate(info: PodInfo, nodeName: string | undefined): Promise<void>;
  refuse(info: PodInfo, message: string, more?: Refusing): Promise<void>;
  preempt(info: PodInfo, nodeName: string, victims: readonly PodInfo[]): Promise<void>;
}

export interface Refusing {
  /** "Unschedulable" unless said. */
  readonly reason?: Trouble;
  /** Where room is being made for it; null: nowhere any more. */
  readonly nominatedNodeName?: string | null;
}

export interface OutcomesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: (schedulerName: string) => EventRecorder;
}

export function openOutcomes({ client, clock, log, events }: OutcomesOptions): Outcomes {
  /** The last write of each pod that has not been answered yet. */
  const writing = new Map<string, Promise<unknown>>();

  // A pod that is placed just after it was refused must not be told of the refusal when it is bound already.
  async function inTurn<T>({ uid }: PodInfo, write: () => Promise<T>): Promise<T> {
    const before = writing.get(uid);
    const mine = before ? before.then(write, write) : write();
    writing.set(uid, mine);
    try {
      return await mine;
    } finally {
      if (writing.get(uid) === mine) writing.delete(uid);
    }
  }

  async function writeStatus(of: Pod, status: Partial<NonNullable<Pod["status"]>> | object): Promise<void> {
    await client.patch(pod, keyOf(of), { type: "strategic", document: { status } }, { subresource: "status" });
  }

  async function tell(of: Pod, status: object): Promise<void> {
    try {
      await writeStatus(of, status);
    } catch (error) {
      if (!isReason(error, "NotFound")) log.warn("condition not written", { pod: of.metadata.name, error });
    }
  }

  function bound(info: PodInfo, nodeName: string): void {
    const { namespace, name } = info.pod.metadata;
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    const news = { type: "Normal", reason: "Scheduled", action: "Binding", message } as const;
    events(schedulerNameOf(info.pod)).record(info.pod, news);
  }

  return {
    bound,
    async bind(info, nodeName) {
      const key = keyOf(info.pod);
      const { name, namespace = "", uid = "" } = info.pod.metadata;
      const target = { apiVersion: "v1", kind: "Node", name: nodeName };
      const body = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace, uid }, target };
      await inTurn(info, () => client.post(pod, key, "binding", body));
      bound(info, nodeName);
    },

    nominate: (info, nodeName) => inTurn(info, () => tell(info.pod, { nominatedNodeName: nodeName ?? null })),

    async refuse(info, message, { reason = "Unschedulable", nominatedNodeName } = {}) {
      const news = { type: "Warning", reason: "FailedScheduling", action: "Scheduling", message } as const;
      events(schedulerNameOf(info.pod)).record(info.pod, news);
      const condition = notScheduled(info.pod, { reason, message, now: clock.now() });
      if (!condition && nominatedNodeName === undefined) return;
      const status = {
        ...(condition && { conditions: [condition] }),
        ...(nominatedNodeName !== undefined && { nominatedNodeName }),
      };
      await inTurn(info, () => tell(info.pod, status));
    },

    async preempt(info, nodeName, victims) {
      const condition = disruptedBy(schedulerNameOf(info.pod), clock.now());
      await Promise.all(
        // Those that are leaving already need not be told.
        victims
          .filter(({ pod: victim }) => !isLeaving(victim))
          .map(async ({ pod: victim }) => {
            try {
              await writeStatus(victim, { conditions: [condition] });
              await client.delete(pod, keyOf(victim), { preconditions: { uid: victim.metadata.uid } });
              const message = `Preempted by pod ${info.uid} on node ${nodeName}`;
              const news = { type: "Normal", reason: "Preempted", action: "Preempting", message } as const;
              events(schedulerNameOf(info.pod)).record(victim, news);
            } catch (error) {
              if (!isReason(error, "NotFound")) log.warn("pod not preempted", { pod: victim.metadata.name, error });
            }
          }),
      );
    },
  };
}
