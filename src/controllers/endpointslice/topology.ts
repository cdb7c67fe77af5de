import { milliOf } from "../../api/quantity.ts";
import type { Endpoint, Node } from "../../api/schema/types.ts";
import type { EventNews } from "../../client/events.ts";
import { isNodeReady, zoneLabel } from "../nodes.ts";
import { isReady, withoutAnyHints } from "./hints.ts";
import type { Draft } from "./packing.ts";

/** Each zone's share of the CPUs of all ready nodes; undefined when it cannot be told, or when there is one zone only. */
export type ZoneShares = ReadonlyMap<string, number> | undefined;

/** What became of a Service's hints. */
export interface Topology {
  readonly drafts: readonly Draft[];
  readonly hasHints: boolean;
  readonly news?: EventNews;
}

/** How much more than its share of the traffic an endpoint may get. */
const overload = 0.2;
const leftOut = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

export function zoneShares(nodes: readonly Node[]): ZoneShares {
  const cpus = new Map<string, number>();
  for (const node of nodes) {
    const { labels = {} } = node.metadata;
    if (!isNodeReady(node) || leftOut.some((label) => label in labels)) continue;
    const zone = labels[zoneLabel];
    const cpu = milliOf(node.status?.allocatable?.cpu ?? "0");
    if (!zone || cpu === 0) return undefined;
    cpus.set(zone, (cpus.get(zone) ?? 0) + cpu);
  }
  const total = [...cpus.values()].reduce((sum, cpu) => sum + cpu, 0);
  return cpus.size < 2 ? undefined : new Map([...cpus].map(([zone, cpu]) => [zone, cpu / total]));
}

/** Shares endpoints out to zones by their CPUs (Kubernetes docs, "Topology Aware Routing", section "Safeguards"). */
export function withZoneHints(
  drafts: readonly Draft[],
  { shares, family, hadHints }: { shares: ZoneShares; family: string; hadHints: boolean },
): Topology {
  const without = (message: string): Topology => ({
    drafts: withoutAnyHints(drafts),
    hasHints: false,
    news: { type: "Warning", reason: "TopologyAwareHintsDisabled", message: `${message}, addressType: ${family}` },
  });
  const ready = drafts.flatMap(({ endpoints }) => endpoints.filter(isReady));
  const allotted = allot(shares, ready.length);
  if ("refusal" in allotted) return without(allotted.refusal);

  const held = new Map<string, number>();
  const draftsNow = drafts.map((draft) => keptOrChanging(draft, allotted.zones, held));
  const changing = draftsNow.filter(({ isChanged }) => isChanged);
  if (changing.some(({ endpoints }) => endpoints.some((endpoint) => isReady(endpoint) && !endpoint.zone)))
    return without("One or more endpoints do not have a zone specified");

  const hints = new Map<Endpoint, string>();
  for (const endpoint of changing.flatMap(({ endpoints }) => endpoints.filter(isReady))) {
    const { zone = "" } = endpoint;
    hints.set(endpoint, zone);
    held.set(zone, (held.get(zone) ?? 0) + 1);
  }
  giveAndTake(hints, giversAndTakers(allotted.zones, held));
  if (held.size === 0) return without("No hints allocated for zones");
  const hinted = draftsNow.map((draft) => {
    if (!draft.isChanged) return draft;
    const endpoints = draft.endpoints.map((endpoint) => {
      const zone = hints.get(endpoint);
      return zone ? { ...endpoint, hints: { forZones: [{ name: zone }] } } : endpoint;
    });
    return { ...draft, endpoints };
  });
  const message = `Topology Aware Hints has been enabled, addressType: ${family}`;
  return {
    drafts: hinted,
    hasHints: true,
    ...(!hadHints && { news: { type: "Normal", reason: "TopologyAwareHintsEnabled", message } }),
  };
}

interface Allotment {
  readonly wanted: number;
  readonly most: number;
}

function allot(
  shares: ZoneShares,
  count: number,
): { readonly zones: ReadonlyMap<string, Allotment> } | { readonly refusal: string } {
  if (!shares)
    return { refusal: "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes" };
  const figures = `(${count} endpoints, ${shares.size} zones)`;
  if (shares.size > count) return { refusal: `Insufficient number of endpoints ${figures}` };
  const least = new Map([...shares].map(([zone, share]) => [zone, Math.ceil((share * count) / (1 + overload))]));
  const spare = count - [...least.values()].reduce((sum, one) => sum + one, 0);
  if (spare < 0)
    return {
      refusal: `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${figures}`,
    };
  const zones = [...shares].map(([zone, share]): [string, Allotment] => {
    const minimum = least.get(zone) ?? 0;
    return [zone, { wanted: Math.max(share * count, minimum), most: minimum + spare }];
  });
  return { zones: new Map(zones) };
}

/** A slice that nothing else changes keeps its hints when they still serve; `held` counts them. */
function keptOrChanging(draft: Draft, zones: ReadonlyMap<string, Allotment>, held: Map<string, number>): Draft {
  if (draft.isChanged) return draft;
  const counts = new Map<string, number>();
  for (const { hints } of draft.endpoints.filter(isReady)) {
    const names = (hints?.forZones ?? []).map(({ name }) => name);
    if (names.length === 0 || names.some((name) => !zones.has(name))) return { ...draft, isChanged: true };
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const isTooMuch = [...counts].some(([zone, count]) => count + (held.get(zone) ?? 0) > (zones.get(zone)?.most ?? 0));
  if (isTooMuch) return { ...draft, isChanged: true };
  for (const [zone, count] of counts) held.set(zone, (held.get(zone) ?? 0) + count);
  return draft;
}

interface Exchange {
  readonly givers: Map<string, number>;
  readonly takers: Map<string, number>;
}

/** How many endpoints zones that have too many should give to zones that have too few. */
function giversAndTakers(zones: ReadonlyMap<string, Allotment>, held: ReadonlyMap<string, number>): Exchange {
  const over = new Map<string, number>();
  const under = new Map<string, number>();
  for (const [zone, { wanted }] of zones) {
    const surplus = (held.get(zone) ?? 0) - wanted;
    if (surplus > 0) over.set(zone, surplus);
    if (surplus < 0) under.set(zone, -surplus);
  }
  const exchange: Exchange = { givers: new Map(), takers: new Map() };
  for (;;) {
    const [giver, taker] = [most(over), most(under)];
    if (!giver || !taker) return exchange;
    if ((giver.amount < 1 && taker.amount < 1) || giver.amount < 0.5 || taker.amount < 0.5) return exchange;
    for (const [zone, from, to] of [
      [giver.zone, over, exchange.givers],
      [taker.zone, under, exchange.takers],
    ] as const) {
      from.set(zone, (from.get(zone) ?? 0) - 1);
      to.set(zone, (to.get(zone) ?? 0) + 1);
    }
  }
}

function most(amounts: ReadonlyMap<string, number>): { zone: string; amount: number } | undefined {
  const [best] = [...amounts].filter(([, amount]) => amount > 0).sort(([, a], [, b]) => b - a);
  return best && { zone: best[0], amount: best[1] };
}

function giveAndTake(hints: Map<Endpoint, string>, { givers, takers }: Exchange): void {
  for (const [endpoint, zone] of hints) {
    const taker = [...takers].find(([, count]) => count > 0)?.[0];
    const left = givers.get(zone) ?? 0;
    if (taker === undefined || left === 0) continue;
    hints.set(endpoint, taker);
    givers.set(zone, left - 1);
    takers.set(taker, (takers.get(taker) ?? 0) - 1);
  }
}
