import { isDeepStrictEqual } from "node:util";
import type { Endpoint, EndpointSlice } from "../../api/schema/types.ts";
import type { OfferedPort } from "./endpoints-of.ts";

/** A slice on its way to what it should be. */
export interface Draft {
  /** The slice that it was; absent for one that is to be made. */
  readonly slice?: EndpointSlice;
  readonly ports: readonly OfferedPort[];
  readonly endpoints: readonly Endpoint[];
  /** Whether it differs from the slice. */
  readonly isChanged: boolean;
}

export interface Packed {
  readonly drafts: readonly Draft[];
  /** Slices whose endpoints are all gone. */
  readonly emptied: readonly EndpointSlice[];
}

export interface PackingOptions {
  readonly ports: readonly OfferedPort[];
  /** So many endpoints go into one slice. */
  readonly size: number;
  readonly isLabelled: (slice: EndpointSlice) => boolean;
}

/**
 * Spreads endpoints over slices with as few writes as possible: those that are in a slice stay there; further ones go into
 * slices that change anyway, the fullest first; then into the slice that they fill best; and then into new ones.
 */
export function pack(
  slices: readonly EndpointSlice[],
  wanted: readonly Endpoint[],
  { ports, size, isLabelled }: PackingOptions,
): Packed {
  const open = new Map(wanted.map((endpoint) => [identity(endpoint), endpoint]));
  const emptied: EndpointSlice[] = [];
  let drafts: Draft[] = [];
  for (const slice of slices) {
    const before = slice.endpoints ?? [];
    const kept = before.flatMap((old) => open.get(identity(old)) ?? []);
    for (const endpoint of kept) open.delete(identity(endpoint));
    const isChanged = !isDeepStrictEqual(before.map(withoutHints), kept);
    if (isChanged && kept.length === 0) emptied.push(slice);
    else if (isChanged) drafts.push({ slice, ports, endpoints: kept, isChanged });
    else drafts.push({ slice, ports, endpoints: before, isChanged: !isLabelled(slice) });
  }

  const rest = [...open.values()];
  const changing = drafts.filter(({ isChanged }) => isChanged).sort((a, b) => b.endpoints.length - a.endpoints.length);
  for (const draft of changing) {
    const added = rest.splice(0, Math.max(0, size - draft.endpoints.length));
    drafts = drafts.with(drafts.indexOf(draft), { ...draft, endpoints: [...draft.endpoints, ...added] });
  }
  while (rest.length > 0) {
    const best = rest.length < size ? bestFor(drafts, rest.length, size) : undefined;
    const endpoints = [...(best?.endpoints ?? []), ...rest.splice(0, size - (best?.endpoints.length ?? 0))];
    if (best) drafts = drafts.with(drafts.indexOf(best), { ...best, endpoints, isChanged: true });
    else drafts.push({ ports, endpoints, isChanged: true });
  }
  return { drafts, emptied };
}

/** The slice, among those that nothing is written to yet, that would come closest to full. */
function bestFor(drafts: readonly Draft[], count: number, size: number): Draft | undefined {
  const room = ({ endpoints }: Draft): number => size - endpoints.length - count;
  return drafts
    .filter((draft) => draft.slice && !draft.isChanged && room(draft) >= 0)
    .sort((a, b) => room(a) - room(b))[0];
}

/** What makes two endpoints the same one. */
export function identity({ addresses, hostname, targetRef }: Endpoint): string {
  return JSON.stringify([addresses, hostname, targetRef?.namespace, targetRef?.name]);
}

export function withoutHints({ hints: _, ...endpoint }: Endpoint): Endpoint {
  return endpoint;
}
