import { podRequests } from "../api/pod-resources.ts";
import { milliOf, unitsOf } from "../api/quantity.ts";
import type { PodSpec } from "../api/schema/types.ts";

/** Why the node cannot give a pod what it asks for: never, or not now. The message is the kubelet's. */
export interface Refusal {
  readonly reason: "Infeasible" | "Deferred";
  readonly message: string;
}

/** What the pods of this node have been given of its processors and its memory. */
export interface Allocations {
  /** Notes what a pod has from now on; who waits for room looks again when it became less. */
  hold(podUid: string, spec: PodSpec): void;
  release(podUid: string): void;
  /** Whether the pod may have this instead of what it has; undefined when it may. */
  refusal(podUid: string, spec: PodSpec): Refusal | undefined;
  /** Why the pod cannot be taken at all, in the words of its status ("OutOfcpu"); undefined when it can. */
  overload(podUid: string, spec: PodSpec): { readonly reason: string; readonly message: string } | undefined;
  /** Calls `look` once, as soon as another pod has less. */
  whenRoom(podUid: string, look: () => void): void;
}

interface Amounts {
  readonly cpu: number;
  readonly memory: number;
}

const sorts = ["cpu", "memory"] as const;

export function openAllocations(allocatable: () => Readonly<Record<string, string>>): Allocations {
  const held = new Map<string, Amounts>();
  const waiting = new Map<string, () => void>();

  function tell(except: string): void {
    for (const [podUid, look] of [...waiting]) {
      if (podUid === except) continue;
      waiting.delete(podUid);
      look();
    }
  }

  function capacityNow(): Amounts {
    const { cpu = "0", memory = "0" } = allocatable();
    return { cpu: milliOf(cpu), memory: unitsOf(memory) };
  }

  function usedBeside(podUid: string, sort: keyof Amounts): number {
    return [...held].reduce((sum, [uid, amounts]) => (uid === podUid ? sum : sum + amounts[sort]), 0);
  }

  return {
    hold(podUid, spec) {
      const before = held.get(podUid);
      const now = amountsOf(spec);
      held.set(podUid, now);
      if (before && sorts.some((sort) => now[sort] < before[sort])) tell(podUid);
    },
    release(podUid) {
      waiting.delete(podUid);
      if (held.delete(podUid)) tell(podUid);
    },
    refusal(podUid, spec) {
      const wanted = amountsOf(spec);
      const capacity = capacityNow();
      for (const sort of sorts) {
        if (wanted[sort] <= capacity[sort]) continue;
        const message = `Node didn't have enough capacity: ${sort}, requested: ${wanted[sort]}, capacity: ${capacity[sort]}`;
        return { reason: "Infeasible", message };
      }
      for (const sort of sorts) {
        const used = usedBeside(podUid, sort);
        // What a pod has already it may keep, however full the node has become.
        if (wanted[sort] <= (held.get(podUid)?.[sort] ?? 0) || used + wanted[sort] <= capacity[sort]) continue;
        const message = `Node didn't have enough resource: ${sort}, requested: ${wanted[sort]}, used: ${used}, capacity: ${capacity[sort]}`;
        return { reason: "Deferred", message };
      }
      return undefined;
    },
    overload(podUid, spec) {
      const wanted = amountsOf(spec);
      const { cpu, memory } = capacityNow();
      const pods = Number(allocatable().pods ?? Number.POSITIVE_INFINITY);
      const rows = [
        ["pods", 1, [...held.keys()].filter((uid) => uid !== podUid).length, pods],
        ["cpu", wanted.cpu, usedBeside(podUid, "cpu"), cpu],
        ["memory", wanted.memory, usedBeside(podUid, "memory"), memory],
      ] as const;
      for (const [sort, requested, used, capacity] of rows) {
        if (requested === 0 || used + requested <= capacity) continue;
        const message = `Node didn't have enough resource: ${sort}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
        return { reason: `OutOf${sort}`, message };
      }
      return undefined;
    },
    whenRoom: (podUid, look) => void waiting.set(podUid, look),
  };
}

function amountsOf(spec: PodSpec): Amounts {
  const { cpu = "0", memory = "0" } = podRequests(spec, { overhead: true });
  return { cpu: milliOf(cpu), memory: unitsOf(memory) };
}
