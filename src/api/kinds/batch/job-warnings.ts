import type { JobSpec } from "../../schema/types.ts";
import { templateWarnings } from "../apps/workload-rules.ts";

const manyCompletions = 100_000;
const manyAtOnce = 10_000;

/** What a client should know of a Job that it asks for, or of the Jobs that a CronJob makes. `at`: the spec's place. */
export function jobWarnings<T extends { readonly metadata: { readonly generation?: number } }>(
  object: T,
  old: T | undefined,
  spec: JobSpec | undefined,
  at: string,
): string[] {
  if (!spec || (old && old.metadata.generation === object.metadata.generation)) return [];
  const { completionMode, completions = 0, parallelism = 0, template } = spec;
  const untracked = completionMode === "Indexed" && completions > manyCompletions && parallelism > manyAtOnce;
  return [
    ...(untracked
      ? [
          `${at}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail`,
        ]
      : []),
    ...templateWarnings(object, old, template, `${at}.template`),
  ];
}
