import type { HorizontalPodAutoscaler, HPAScalingRules } from "../../api/schema/types.ts";

/** What an autoscaler remembers from round to round. */
export interface Memory {
  readonly recommendations: readonly { readonly replicas: number; readonly atMs: number }[];
  /** How many replicas were added and removed. */
  readonly added: readonly Change[];
  readonly removed: readonly Change[];
}

export interface Change {
  readonly by: number;
  readonly atMs: number;
}

export const nothingYet: Memory = { recommendations: [], added: [], removed: [] };

export interface Said {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

export interface Normalized {
  readonly replicas: number;
  readonly able: Said;
  readonly limited: Said;
  readonly memory: Memory;
}

export interface Normalization {
  readonly current: number;
  readonly proposed: number;
  readonly min: number;
  readonly max: number;
  readonly now: number;
  /** How long the highest of recent recommendations counts, where the autoscaler does not say. */
  readonly downscaleStabilizationMs: number;
}

const matches: Said = { status: "True", reason: "ReadyForNewScale", message: "recommended size matches current size" };
const lowered: Said = {
  status: "True",
  reason: "ScaleUpStabilized",
  message: "recent recommendations were lower than current one, applying the lowest recent recommendation",
};
const raised: Said = {
  status: "True",
  reason: "ScaleDownStabilized",
  message: "recent recommendations were higher than current one, applying the highest recent recommendation",
};
const limits = {
  within: { reason: "DesiredWithinRange", message: "the desired count is within the acceptable range" },
  few: { reason: "TooFewReplicas", message: "the desired replica count is less than the minimum replica count" },
  many: { reason: "TooManyReplicas", message: "the desired replica count is more than the maximum replica count" },
  up: { reason: "ScaleUpLimit", message: "the desired replica count is increasing faster than the maximum scale rate" },
  down: {
    reason: "ScaleDownLimit",
    message: "the desired replica count is decreasing faster than the maximum scale rate",
  },
};

/** What of a proposal is allowed now (Kubernetes docs, "Horizontal Pod Autoscaling", section "Configurable scaling behavior"). */
export function normalize({ spec }: HorizontalPodAutoscaler, memory: Memory, question: Normalization): Normalized {
  const { behavior } = spec;
  if (!behavior) return normalizePlainly(memory, question);
  const up = rulesFrom(behavior.scaleUp, defaultUp);
  const down = rulesFrom(behavior.scaleDown, {
    ...defaultDown,
    stabilizationWindowSeconds: question.downscaleStabilizationMs / 1000,
  });
  return normalizeByRules(memory, question, { up, down });
}

interface Rules {
  readonly policies: readonly { readonly type: string; readonly value: number; readonly periodSeconds: number }[];
  readonly selectPolicy: string;
  readonly stabilizationWindowSeconds: number;
}

const perQuarter = { periodSeconds: 15 };
const defaultUp: Rules = {
  policies: [
    { type: "Pods", value: 4, ...perQuarter },
    { type: "Percent", value: 100, ...perQuarter },
  ],
  selectPolicy: "Max",
  stabilizationWindowSeconds: 0,
};
const defaultDown: Rules = { ...defaultUp, policies: [{ type: "Percent", value: 100, ...perQuarter }] };

function rulesFrom(given: HPAScalingRules | undefined, usual: Rules): Rules {
  return {
    policies: given?.policies ?? usual.policies,
    selectPolicy: given?.selectPolicy ?? usual.selectPolicy,
    stabilizationWindowSeconds: given?.stabilizationWindowSeconds ?? usual.stabilizationWindowSeconds,
  };
}

function normalizePlainly(memory: Memory, question: Normalization): Normalized {
  const { current, proposed, min, max, now, downscaleStabilizationMs } = question;
  const since = now - downscaleStabilizationMs;
  const recent = memory.recommendations.filter(({ atMs }) => atMs >= since);
  const stabilized = Math.max(proposed, ...recent.map(({ replicas }) => replicas));
  const upLimit = Math.max(2 * current, 4);
  const [most, atMost] = max > upLimit ? [upLimit, limits.up] : [max, limits.many];
  const [replicas, limit] =
    stabilized < min ? [min, limits.few] : stabilized > most ? [most, atMost] : [stabilized, limits.within];
  return {
    replicas,
    able: stabilized === proposed ? matches : raised,
    limited: { status: replicas === stabilized ? "False" : "True", ...limit },
    memory: { ...memory, recommendations: [...recent, { replicas: proposed, atMs: now }] },
  };
}

function normalizeByRules(
  memory: Memory,
  question: Normalization,
  { up, down }: { up: Rules; down: Rules },
): Normalized {
  const { current, proposed, now } = question;
  const rises = proposed >= current;
  const window = (rules: Rules): number => rules.stabilizationWindowSeconds * 1000;
  const within = memory.recommendations.filter(({ atMs }) => atMs > now - window(rises ? up : down));
  const others = within.map(({ replicas }) => replicas);
  // What was recommended before holds a change back, but never turns it round.
  const stabilized = rises
    ? Math.max(current, Math.min(proposed, ...others))
    : Math.min(current, Math.max(proposed, ...others));
  const longest = Math.max(window(up), window(down));
  const kept = memory.recommendations.filter(({ atMs }) => atMs >= now - longest);
  const { replicas, limit } = withinRates(memory, { ...question, proposed: stabilized }, { up, down });
  return {
    replicas,
    able: stabilized === proposed ? matches : rises ? lowered : raised,
    limited: { status: replicas === stabilized ? "False" : "True", ...limit },
    memory: { ...memory, recommendations: [...kept, { replicas: proposed, atMs: now }] },
  };
}

function withinRates(memory: Memory, question: Normalization, { up, down }: { up: Rules; down: Rules }) {
  const { current, proposed, min, max, now } = question;
  if (proposed > current) {
    const rate = Math.max(current, highestAllowed(current, up, { now, ...memory }));
    const [most, limit] = max > rate ? [rate, limits.up] : [max, limits.many];
    return proposed > most ? { replicas: most, limit } : { replicas: proposed, limit: limits.within };
  }
  if (proposed < current) {
    const rate = Math.min(current, lowestAllowed(current, down, { now, ...memory }));
    const [least, limit] = min < rate ? [rate, limits.down] : [min, limits.few];
    return proposed < least ? { replicas: least, limit } : { replicas: proposed, limit: limits.within };
  }
  return { replicas: proposed, limit: limits.within };
}

type Past = Memory & { readonly now: number };

function changedWithin(changes: readonly Change[], periodSeconds: number, now: number): number {
  return changes.reduce((sum, { by, atMs }) => (atMs > now - periodSeconds * 1000 ? sum + by : sum), 0);
}

function highestAllowed(current: number, { policies, selectPolicy }: Rules, { added, removed, now }: Past): number {
  if (selectPolicy === "Disabled") return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = current - changedWithin(added, periodSeconds, now) + changedWithin(removed, periodSeconds, now);
    return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selectPolicy === "Min" ? Math.min(...proposals) : Math.max(...proposals);
}

function lowestAllowed(current: number, { policies, selectPolicy }: Rules, { added, removed, now }: Past): number {
  if (selectPolicy === "Disabled") return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = current + changedWithin(removed, periodSeconds, now) - changedWithin(added, periodSeconds, now);
    return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return selectPolicy === "Min" ? Math.max(...proposals) : Math.min(...proposals);
}

/** Remembers a change of size for as long as a policy may ask for it. */
export function remembered(
  { spec: { behavior } }: HorizontalPodAutoscaler,
  memory: Memory,
  { from, to, now }: { from: number; to: number; now: number },
): Memory {
  if (!behavior) return memory;
  const periods = [rulesFrom(behavior.scaleUp, defaultUp), rulesFrom(behavior.scaleDown, defaultDown)]
    .flatMap(({ policies }) => policies)
    .map(({ periodSeconds }) => periodSeconds);
  const since = now - Math.max(0, ...periods) * 1000;
  const recent = (changes: readonly Change[]) => changes.filter(({ atMs }) => atMs >= since);
  const change = { by: Math.abs(to - from), atMs: now };
  return {
    ...memory,
    added: to > from ? [...recent(memory.added), change] : recent(memory.added),
    removed: to < from ? [...recent(memory.removed), change] : recent(memory.removed),
  };
}
