import type { PodInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

/** Pods for which others had to go, with the node where the room is being made: it is theirs until they are bound. */
export class Nominations {
  readonly #byPod = new Map<string, { readonly pod: PodInfo; readonly node: string }>();

  set(pod: PodInfo, node: string): void {
    this.#byPod.set(pod.uid, { pod, node });
  }

  delete(uid: string): boolean {
    return this.#byPod.delete(uid);
  }

  nodeOf(uid: string): string | undefined {
    return this.#byPod.get(uid)?.node;
  }

  /** Whether room is being made on the node for anyone. */
  isWanted(node: string): boolean {
    for (const entry of this.#byPod.values()) if (entry.node === node) return true;
    return false;
  }

  /** Those who must give way on the node to a pod of this priority: they look for another. */
  below(priority: number, node: string): readonly PodInfo[] {
    return [...this.#byPod.values()]
      .filter((entry) => entry.node === node && entry.pod.priority < priority)
      .map(({ pod }) => pod);
  }

  /** Runs `look` on the cluster as this pod may use it: room that was made for one at least as important is taken. */
  respected<T>({ uid, priority }: PodInfo, cluster: Snapshot, look: () => T): T {
    const placed: string[] = [];
    for (const { pod, node } of this.#byPod.values()) {
      if (pod.uid === uid || pod.priority < priority || cluster.holds(pod.uid) || !cluster.nodes.has(node)) continue;
      cluster.place(pod, node);
      placed.push(pod.uid);
    }
    try {
      return look();
    } finally {
      for (const other of placed) cluster.remove(other);
    }
  }
}
