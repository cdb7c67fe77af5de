import type { Secret, ServiceAccount } from "../../api/schema/types.ts";

export const lastUsedLabel = "kubernetes.io/legacy-token-last-used";
export const invalidSinceLabel = "kubernetes.io/legacy-token-invalid-since";

const dayMs = 24 * 60 * 60 * 1000;

/** What the informers held. */
export interface Observed {
  readonly secret: Secret;
  /** The account whose token it is, if that is still the one. */
  readonly account: ServiceAccount | undefined;
  /** Whether a pod names the Secret. */
  readonly isMounted: boolean;
  /** The day on which uses began to be noted. */
  readonly trackedSince: string | undefined;
  readonly nowMs: number;
  /** How long a token may lie unused. */
  readonly unusedMs: number;
}

/** `invalidSince`: the label is to get this value. */
export type Decision = "nothing" | "look again" | "delete" | { readonly invalidSince: string };

/** Tokens that were made for accounts by themselves and are used no more are first marked, then deleted (KEP-2800). */
export function decide({ secret, account, isMounted, trackedSince, nowMs, unusedMs }: Observed): Decision {
  const { name, deletionTimestamp, creationTimestamp = "", labels = {} } = secret.metadata;
  // A token that somebody asked for by hand is theirs; those made by themselves are written into their account.
  if (deletionTimestamp || !account?.secrets?.some((listed) => listed.name === name)) return "nothing";
  const oldest = nowMs - unusedMs;
  const sinceMs = dayOf(trackedSince);
  if (sinceMs === undefined || nowMs < sinceMs + dayMs + unusedMs) return "look again";
  const lastUsed = labels[lastUsedLabel];
  if (lastUsed !== undefined && dayOf(lastUsed) === undefined) return "nothing";
  const isYoung = Date.parse(creationTimestamp) >= oldest || (lastUsed ?? "") >= dayText(oldest);
  if (isYoung || isMounted) return "look again";
  const invalidSince = labels[invalidSinceLabel];
  if (dayOf(invalidSince) === undefined) return { invalidSince: dayText(nowMs) };
  return (invalidSince ?? "") >= dayText(oldest) ? "look again" : "delete";
}

/** "2026-01-31", in UTC. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function dayOf(text: string | undefined): number | undefined {
  if (!text || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
