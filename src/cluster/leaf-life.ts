import { describeCertificate, type LeafLife, usualLeafMs } from "./authority.ts";
import type { ClusterSettings } from "./join-protocol.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** The life of a certificate that a cluster makes now. */
export function lifeIn({ leafLifetimeMs }: Pick<ClusterSettings, "leafLifetimeMs">, nowMs: number): LeafLife {
  return leafLifetimeMs === undefined ? { nowMs } : { nowMs, lifetimeMs: leafLifetimeMs };
}

/** Whether a leaf (PEM) of such a life is to be made anew. What is no certificate has no end. */
export function endsSoon(cert: string, { nowMs, lifetimeMs = usualLeafMs }: LeafLife): boolean {
  const described = describeCertificate(cert);
  return described !== undefined && described.notAfterMs - nowMs < renewBeforeMs(lifetimeMs);
}

/** How long before its end a leaf is made anew. */
function renewBeforeMs(lifetimeMs: number): number {
  return Math.min(90 * dayMs, lifetimeMs / 4);
}

/** How often is looked whether one ends soon. */
export function lookEveryMs(lifetimeMs = usualLeafMs): number {
  return Math.min(dayMs / 2, lifetimeMs / 20);
}
