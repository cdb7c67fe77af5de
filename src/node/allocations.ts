import { type HostPort, hostPortsOf } from "../api/host-ports.ts";
import { podRequests } from "../api/pod-resources.ts";
import { milliOf, unitsOf } from "../api/quantity.ts";
import type { PodSpec } from "../api/schema/types.ts";

/** Why the node cannot give a pod what it asks for: never, or not now. The message is the kubelet's. */
export interface Refusal {
  readonly reason: "Infeasible" | "Deferred";
  readonly message: string;
}

/** How much of a resource others would have to give back. */
export interface Shortage {
  readonly sort: string;
  readonly amount: number;
}

/** The node has not enough left for a pod: the reason and the message name what is lacking first. */
export interface Overload {
  readonly reason: string;
  readonly message: string;
  readonly shortages: readonly Shortage[];
}

/** What the pods of this node have been given of its processors, its memory and whatever else it has to give. */
export interface Allocations {
  /** Notes what a pod has from now on; who waits for room looks again when it became less. */
  hold(podUid: string, spec: PodSpec): void;
  release(podUid: string): void;
  /** Whether the pod may have this instead of what it has; undefined when it may. */
  refusal(podUid: string, spec: PodSpec): Refusal | undefined;
  /** Why the pod cannot be taken at all, in the words of its status ("OutOfcpu"); undefined when it can. */
  overload(podUid: string, spec: PodSpec): Overload | undefined;
  /** The ports of the node that other pods have. */
  takenPorts(podUid: string): readonly HostPort[];
  /** Calls `look` once, as soon as another pod has less. */
  whenRoom(podUid: string, look: () => void): void;
}

/** By resource; cpu in thousandths, everything else in whole units. */
type Amounts = Readonly<Record<string, number>>;

interface Held {
  readonly amounts: Amounts;
  readonly ports: readonly HostPort[];
}

/** What a running pod may ask to have more or less of. */
const resizable = ["cpu", "memory"];
/** The order in which what is lacking is looked for; other resources come behind. */
const first = [...resizable, "ephemeral-storage"];

export function openAllocations(allocatable: () => Readonly<Record<string, string>>): Allocations {
  const held = new Map<string, Held>();
  const waiting = new Map<string, () => void>();

  function tell(except: string): void {
    for (const [podUid, look] of [...waiting]) {
      if (podUid === except) continue;
      waiting.delete(podUid);
      look();
    }
  }

  const amount = (amounts: Amounts | undefined, sort: string): number => amounts?.[sort] ?? 0;

  function usedBeside(podUid: string, sort: string): number {
    return [...held].reduce((sum, [uid, { amounts }]) => (uid === podUid ? sum : sum + amount(amounts, sort)), 0);
  }

  return {
    hold(podUid, spec) {
      const before = held.get(podUid)?.amounts;
      const now = amountsOf(spec);
      held.set(podUid, { amounts: now, ports: hostPortsOf(spec) });
      if (before && resizable.some((sort) => amount(now, sort) < amount(before, sort))) tell(podUid);
    },
    release(podUid) {
      waiting.delete(podUid);
      if (held.delete(podUid)) tell(podUid);
    },
    refusal(podUid, spec) {
      const wanted = amountsOf(spec);
      const capacity = amountsFrom(allocatable());
      for (const sort of resizable) {
        const [requested, there] = [amount(wanted, sort), amount(capacity, sort)];
        if (requested <= there) continue;
        const message = `Node didn't have enough capacity: ${sort}, requested: ${requested}, capacity: ${there}`;
        return { reason: "Infeasible", message };
      }
      for (const sort of resizable) {
        const [requested, there] = [amount(wanted, sort), amount(capacity, sort)];
        const used = usedBeside(podUid, sort);
        // What a pod has already it may keep, however full the node has become.
        if (requested <= amount(held.get(podUid)?.amounts, sort) || used + requested <= there) continue;
        const message = lacking({ sort, requested, used, capacity: there });
        return { reason: "Deferred", message };
      }
      return undefined;
    },
    overload(podUid, spec) {
      const wanted = amountsOf(spec);
      const capacities = amountsFrom(allocatable());
      const others = [...held.keys()].filter((uid) => uid !== podUid).length;
      // Of what the node does not know at all, somebody else takes care.
      const known = Object.keys(wanted).filter((sort) => first.includes(sort) || sort in capacities);
      const rows = [
        { sort: "pods", requested: 1, used: others, capacity: capacities.pods ?? Number.POSITIVE_INFINITY },
        ...known
          .sort((a, b) => placeOf(a) - placeOf(b))
          .map((sort) => ({
            sort,
            requested: amount(wanted, sort),
            used: usedBeside(podUid, sort),
            capacity: amount(capacities, sort),
          })),
      ];
      const short = rows.filter(({ requested, used, capacity }) => requested > 0 && used + requested > capacity);
      const shortages = short.map(({ sort, requested, used, capacity }) => ({
        sort,
        amount: requested + used - capacity,
      }));
      return short[0] && { reason: `OutOf${short[0].sort}`, message: lacking(short[0]), shortages };
    },
    takenPorts: (podUid) => [...held].flatMap(([uid, { ports }]) => (uid === podUid ? [] : ports)),
    whenRoom: (podUid, look) => void waiting.set(podUid, look),
  };
}

function placeOf(sort: string): number {
  const place = first.indexOf(sort);
  return place < 0 ? first.length : place;
}

function lacking(short: { sort: string; requested: number; used: number; capacity: number }): string {
  const { sort, requested, used, capacity } = short;
  return `Node didn't have enough resource: ${sort}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
}

function amountsOf(spec: PodSpec): Amounts {
  return amountsFrom(podRequests(spec, { overhead: true }));
}

function amountsFrom(quantities: Readonly<Record<string, string>>): Amounts {
  return Object.fromEntries(
    Object.entries(quantities).map(([name, quantity]) => [
      name,
      name === "cpu" ? milliOf(quantity) : unitsOf(quantity),
    ]),
  );
}
