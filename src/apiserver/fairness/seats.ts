import type { PriorityLevelConfiguration } from "../../api/schema/types.ts";

/** How many requests of a level may be worked on at once. */
export interface Share {
  /** By its shares alone. */
  readonly nominal: number;
  /** Never lent: there for the level whatever others do. */
  readonly own: number;
  /** With all that it may borrow. */
  readonly most: number;
}

const defaultShares = 30;

/**
 * Divides the server's seats among the limited levels (Kubernetes docs, "API Priority and Fairness", section "Priority
 * Levels"). What levels may lend is a pool of which each takes what it needs, up to its own bound: seats are lent and come
 * back with every request, where Kubernetes moves them about every ten seconds.
 */
export function sharesOf(
  levels: readonly PriorityLevelConfiguration[],
  total: number,
): ReadonlyMap<PriorityLevelConfiguration, Share> {
  const all = levels.reduce((sum, level) => sum + weightOf(level), 0);
  return new Map(
    levels
      .filter(({ spec }) => spec?.limited)
      .map((level) => {
        const nominal = all === 0 ? 0 : Math.ceil((total * weightOf(level)) / all);
        const { lendablePercent = 0, borrowingLimitPercent } = level.spec?.limited ?? {};
        const own = nominal - Math.round((nominal * lendablePercent) / 100);
        const borrowed =
          borrowingLimitPercent === undefined ? total : Math.round((nominal * borrowingLimitPercent) / 100);
        return [level, { nominal, own, most: Math.min(total, nominal + borrowed) }];
      }),
  );
}

function weightOf({ spec }: PriorityLevelConfiguration): number {
  return spec?.limited
    ? (spec.limited.nominalConcurrencyShares ?? defaultShares)
    : (spec?.exempt?.nominalConcurrencyShares ?? 0);
}
