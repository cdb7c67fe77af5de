import type { Job } from "../../api/schema/types.ts";
import { endOf } from "../job/outcome.ts";

/** How long until the Job's time is over; undefined when it has not ended or may stay. */
export function untilExpiredMs(job: Job, now: number): number | undefined {
  const { ttlSecondsAfterFinished } = job.spec;
  const endedAt = endOf(job)?.lastTransitionTime;
  if (!endedAt || ttlSecondsAfterFinished === undefined) return undefined;
  return Math.max(0, Date.parse(endedAt) + ttlSecondsAfterFinished * 1000 - now);
}
