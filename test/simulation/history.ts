import type { KubeObject } from "../../src/api/object.ts";
import type { DaemonSet, Deployment, Job, Pod, ReplicaSet, StatefulSet } from "../../src/api/schema/types.ts";
import type { Clock } from "../../src/base/clock.ts";
import type { Row } from "../../src/store/memory/journal.ts";

export interface Kinds {
  pods: Pod;
  "replicasets.apps": ReplicaSet;
  "deployments.apps": Deployment;
  "statefulsets.apps": StatefulSet;
  "daemonsets.apps": DaemonSet;
  "jobs.batch": Job;
}
const buckets: readonly (keyof Kinds)[] = [
  "pods",
  "replicasets.apps",
  "deployments.apps",
  "statefulsets.apps",
  "daemonsets.apps",
  "jobs.batch",
];

/** A change as it came to the disk. */
export interface Written<K extends keyof Kinds = keyof Kinds> {
  readonly bucket: K;
  readonly before: Kinds[K] | undefined;
  readonly after: Kinds[K] | undefined;
}

/** The objects as the disk has them, change by change, and what some of them were not long ago. */
export class History {
  readonly #clock: Clock;
  readonly #objects = new Map<string, Map<string, KubeObject>>(buckets.map((bucket) => [bucket, new Map()]));
  readonly #versions = new Map<string, { atMs: number; object: KubeObject }[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a row in; undefined when it is of a kind that nobody looks at. */
  add({ type, entry }: Row): Written | undefined {
    const bucket = buckets.find((bucket) => entry.key.startsWith(`/${bucket}/`));
    if (!bucket) return undefined;
    const objects = this.#of(bucket);
    const before = objects.get(entry.key);
    const after = type === "put" ? (JSON.parse(entry.value.toString()) as KubeObject) : undefined;
    if (after) objects.set(entry.key, after);
    else objects.delete(entry.key);
    if (after) {
      const versions = this.#versions.get(after.metadata.uid ?? "") ?? [];
      versions.push({ atMs: this.#clock.now(), object: after });
      this.#versions.set(after.metadata.uid ?? "", versions);
    }
    return { bucket, before, after } as Written;
  }

  all<K extends keyof Kinds>(bucket: K): readonly Kinds[K][] {
    return [...this.#of(bucket).values()] as unknown as Kinds[K][];
  }

  /** What an object is controlled by. */
  ownerOf<K extends keyof Kinds>(bucket: K, { metadata }: KubeObject): Kinds[K] | undefined {
    const uid = metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    return uid === undefined ? undefined : this.all(bucket).find((object) => object.metadata.uid === uid);
  }

  ownedBy<K extends keyof Kinds>(bucket: K, { metadata }: KubeObject): readonly Kinds[K][] {
    return this.all(bucket).filter((object) =>
      object.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === metadata.uid),
    );
  }

  /** The versions of an object that somebody may still act upon: those of the last minutes, and the one before them. */
  recent<T extends KubeObject>({ metadata }: T): readonly T[] {
    const versions = this.#versions.get(metadata.uid ?? "") ?? [];
    const fromMs = this.#clock.now() - recentMs;
    const first = versions.findLastIndex(({ atMs }) => atMs < fromMs);
    return versions.slice(Math.max(0, first)).map(({ object }) => object as T);
  }

  #of(bucket: string): Map<string, KubeObject> {
    return this.#objects.get(bucket) as Map<string, KubeObject>;
  }
}

// Longer than the simulated disk ever stalls.
const recentMs = 120_000;
