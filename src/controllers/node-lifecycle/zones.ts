import type { Node } from "../../api/schema/types.ts";
import { isNodeReady, zoneLabel } from "../nodes.ts";

/** How a zone is: well, partly down, or down as a whole. */
export type ZoneState = "normal" | "partial" | "full";

export interface EvictionRates {
  /** Nodes a second whose pods are evicted, in a zone that is well (or down as a whole) and in one that is partly down. */
  readonly normal: number;
  readonly partial: number;
  /** From which share of nodes that are not ready a zone counts as partly down. */
  readonly threshold: number;
  /** Up to how many nodes a zone counts as small: when it is partly down, nothing is evicted there. */
  readonly large: number;
}

/** The zone of a node; nodes without labels form one together. */
export function zoneOf({ metadata: { labels = {} } }: Node): string {
  const region = labels["topology.kubernetes.io/region"] ?? labels["failure-domain.beta.kubernetes.io/region"] ?? "";
  const zone = labels[zoneLabel] ?? labels["failure-domain.beta.kubernetes.io/zone"] ?? "";
  return `${region}/${zone}`;
}

/** How many nodes there are, and how many of them are not ready. */
export interface NodeCounts {
  readonly ready: number;
  readonly down: number;
}

/** The index of nodes by how they are, in their zone and everywhere (""). */
export const byHealth = (node: Node): readonly string[] =>
  [zoneOf(node), ""].map((zone) => healthIn(zone, isNodeReady(node) ? "ready" : "down"));

export function healthIn(zone: string, health: keyof NodeCounts): string {
  return `${health} ${zone}`;
}

export function zoneState({ ready, down }: NodeCounts, threshold: number): ZoneState {
  if (down > 0 && ready === 0) return "full";
  return down > 2 && down / (ready + down) >= threshold ? "partial" : "normal";
}

/** Nodes a second whose pods may be evicted in this zone (Kubernetes docs, "Nodes", section "Rate limits on eviction"). */
export function evictionRate(counts: NodeCounts, { normal, partial, threshold, large }: EvictionRates): number {
  if (zoneState(counts, threshold) !== "partial") return normal;
  return counts.ready + counts.down > large ? partial : 0;
}

/** Lets one node a zone pass at a time: one at once, the next when the zone's rate allows. */
export class EvictionTurns {
  readonly #nextMs = new Map<string, number>();

  /** How long a node of this zone must wait for its turn; undefined: it may not have one. */
  waitMs(zone: string, rate: number, now: number): number | undefined {
    if (rate <= 0) return undefined;
    return Math.max(0, (this.#nextMs.get(zone) ?? now) - now);
  }

  take(zone: string, rate: number, now: number): void {
    this.#nextMs.set(zone, now + 1000 / rate);
  }
}
