import type { Deployment, Job, Pod } from "../../src/api/schema/types.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Row } from "../../src/store/memory/journal.ts";
import type { Device } from "./device.ts";
import { History, type Written } from "./history.ts";

/** Must hold after every single write. Returns what is wrong. */
type Rule = (written: Written, history: History) => string | undefined;

export const hasEnded = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed";
export const isActive = (pod: Pod): boolean => !pod.metadata.deletionTimestamp && !hasEnded(pod);
export const isReady = (pod: Pod): boolean =>
  isActive(pod) && (pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false);
const most = (numbers: readonly number[]): number => Math.max(0, ...numbers);
const podsPerNode = 30;

/** "25%" of 4 is 1. */
function share(of: number, value: number | string | undefined, round: (exact: number) => number): number {
  return typeof value === "string" ? round((of * Number.parseInt(value, 10)) / 100) : (value ?? 0);
}

function limitsOf({ spec }: Deployment): { most: number; fewest: number } {
  const { replicas = 1, strategy } = spec;
  if (strategy?.type === "Recreate") return { most: replicas, fewest: 0 };
  const surge = share(replicas, strategy?.rollingUpdate?.maxSurge, Math.ceil);
  const unavailable = share(replicas, strategy?.rollingUpdate?.maxUnavailable, Math.floor);
  return { most: replicas + surge, fewest: replicas - (surge + unavailable === 0 ? 1 : unavailable) };
}

const always: Readonly<Record<string, Rule>> = {
  "a pod is given to one node and no other": ({ bucket, before, after }) => {
    if (bucket !== "pods" || before?.metadata.uid !== after?.metadata.uid) return undefined;
    const [from, to] = [(before as Pod).spec.nodeName, (after as Pod).spec.nodeName];
    return from && from !== to ? `${after?.metadata.name} went from ${from} to ${to}` : undefined;
  },

  "no node has more pods than it can take": ({ bucket, before, after }, history) => {
    const pod = after as Pod;
    if (bucket !== "pods" || !pod?.spec.nodeName || (before as Pod)?.spec.nodeName) return undefined;
    const there = history.all("pods").filter((one) => one.spec.nodeName === pod.spec.nodeName);
    const count = there.filter((one) => !hasEnded(one)).length;
    return count > podsPerNode ? `${pod.spec.nodeName} has ${count}` : undefined;
  },

  "a ReplicaSet has no more pods than were asked for": ({ bucket, before, after }, history) => {
    if (bucket !== "pods" || before || !after) return undefined;
    const owner = history.ownerOf("replicasets.apps", after);
    if (!owner) return undefined;
    const active = history.ownedBy("pods", owner).filter(isActive).length;
    const asked = most(history.recent(owner).map(({ spec }) => spec.replicas ?? 1));
    return active > asked ? `${owner.metadata.name} has ${active}, asked for were ${asked}` : undefined;
  },

  "a Deployment asks for no more than its surge allows": ({ bucket, before, after }, history) => {
    if (bucket !== "replicasets.apps" || !after) return undefined;
    const owner = history.ownerOf("deployments.apps", after);
    const replicas = (of: typeof after | undefined): number => (of?.spec as { replicas?: number })?.replicas ?? 0;
    if (!owner || replicas(after) <= replicas(before)) return undefined;
    const asked = history.ownedBy("replicasets.apps", owner).reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
    const allowed = most(history.recent(owner).map((version) => limitsOf(version).most));
    return asked > allowed ? `${owner.metadata.name} asks for ${asked}, allowed are ${allowed}` : undefined;
  },

  "a Job has no more pods at work than its parallelism": ({ bucket, before, after }, history) => {
    const owner = bucket === "pods" && after && !before ? history.ownerOf("jobs.batch", after) : undefined;
    if (!owner) return undefined;
    const active = history.ownedBy("pods", owner).filter(isActive).length;
    return active > (owner.spec.parallelism ?? 1) ? `${owner.metadata.name} has ${active}` : undefined;
  },

  "a Job is complete with exactly its completions": ({ bucket, after }) => {
    if (bucket !== "jobs.batch" || !after) return undefined;
    const { spec, status } = after as Job;
    const complete = status?.conditions?.some(({ type, status }) => type === "Complete" && status === "True");
    const succeeded = status?.succeeded ?? 0;
    const wrong = complete ? succeeded !== spec.completions : succeeded > (spec.completions ?? 1);
    return wrong ? `${after.metadata.name} counts ${succeeded} of ${spec.completions}` : undefined;
  },
};

/** Looks at every write and at every device, and remembers what was wrong. */
export class Watchful {
  readonly broken: string[] = [];
  readonly #clock: Clock;
  readonly #history: History;
  /** Deployments that had all their pods since the last disturbance: they owe their users the availability they promise. */
  readonly #owing = new Set<string>();
  #disturbedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#history = new History(clock);
  }

  get history(): History {
    return this.#history;
  }

  /** Something happened for which nobody can promise that all pods stay available. */
  disturbed(): void {
    this.#disturbedMs = this.#clock.now();
    this.#owing.clear();
  }

  wrote(row: Row): void {
    const written = this.#history.add(row);
    if (!written) return;
    for (const [name, rule] of Object.entries(always)) {
      const wrong = rule(written, this.#history);
      if (wrong) this.broken.push(`${name}: ${wrong}`);
    }
    if (written.bucket === "pods") this.#lookAtAvailability(written);
  }

  /** A pod with a stable name runs once in the world, or not at all. */
  lookAt(devices: readonly Device[]): void {
    const seen = new Map<string, string>();
    for (const device of devices) {
      for (const { pod, state } of device.containers) {
        if (state !== "running" || !pod.startsWith("default/stateful-")) continue;
        const other = seen.get(pod);
        if (other) this.broken.push(`a pod with a stable name runs once: ${pod} runs on ${other} and ${device.name}`);
        seen.set(pod, device.name);
      }
    }
    if (devices.some(({ isCutOff }) => isCutOff)) this.disturbed();
  }

  #lookAtAvailability({ before, after }: Written): void {
    const replicaSet = this.#history.ownerOf("replicasets.apps", (after ?? before) as Pod);
    const owner = replicaSet && this.#history.ownerOf("deployments.apps", replicaSet);
    if (!owner) return;
    const available = this.#history
      .ownedBy("replicasets.apps", owner)
      .flatMap((set) => this.#history.ownedBy("pods", set))
      .filter(isReady).length;
    const { uid = "", name } = owner.metadata;
    if (this.#owing.has(uid) && available < limitsOf(owner).fewest)
      this.broken.push(
        `a rollout keeps what it promised: ${name} has ${available} pods, ${limitsOf(owner).fewest} are owed`,
      );
    const isCalm = this.#clock.now() - this.#disturbedMs > calmMs;
    if (isCalm && available >= (owner.spec.replicas ?? 1) && owner.spec.strategy?.type !== "Recreate")
      this.#owing.add(uid);
  }
}

// What was done to the cluster has no further effects after this: lost nodes are noticed, restarts are over.
const calmMs = 120_000;
