import type { Job } from "../../api/schema/types.ts";

/** How long until the Job's time is over; undefined when it has not ended or may stay. */
export function untilExpiredMs({ spec, status }: Job, now: number): number | undefined {
  const end = status?.conditions?.find(
    ({ type, status: value }) => (type === "Complete" || type === "Failed") && value === "True",
  );
  if (!end?.lastTransitionTime || spec.ttlSecondsAfterFinished === undefined) return undefined;
  return Math.max(0, Date.parse(end.lastTransitionTime) + spec.ttlSecondsAfterFinished * 1000 - now);
}
