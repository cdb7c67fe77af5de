/** The shortest of some waits; undefined when nothing is waited for. */
export function soonest(waits: Iterable<number | undefined>): number | undefined {
  let least: number | undefined;
  for (const waitMs of waits) if (waitMs !== undefined && (least === undefined || waitMs < least)) least = waitMs;
  return least;
}
