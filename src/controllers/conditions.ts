/** What conditions of all kinds have in common. */
export interface AnyCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

/** The API's form of a time: whole seconds, UTC. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export function conditionOf<C extends AnyCondition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Everything but zeros: Kubernetes leaves counters out that count nothing. */
export function withoutZeros<T extends object>(counters: T): Partial<T> {
  return Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== 0)) as Partial<T>;
}
