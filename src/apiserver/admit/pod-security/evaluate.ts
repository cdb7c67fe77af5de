import { baselineChecks, overriddenChecks } from "./baseline.ts";
import type { Check, CheckedPod, Violation } from "./check.ts";
import type { Standard } from "./policy.ts";
import { restrictedChecks } from "./restricted.ts";

/** Where a pod does not meet a standard. */
export function violationsOf(pod: CheckedPod, { level, minor = Number.POSITIVE_INFINITY }: Standard): Violation[] {
  if (level === "privileged") return [];
  const controls = [...baselineChecks, ...(level === "baseline" ? overriddenChecks : restrictedChecks)];
  return controls.flatMap((versions) => inVersion(versions, minor)?.check(pod) ?? []);
}

/** "privileged (container "a" must not …), hostPort" */
export function detailsOf(violations: readonly Violation[]): string {
  return violations.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(", ");
}

function inVersion(versions: readonly Check[], minor: number): Check | undefined {
  return versions.findLast(({ since }) => since <= minor);
}
