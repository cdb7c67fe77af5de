import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  MetricStatus,
} from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import type { EventNews } from "../../client/events.ts";
import type { Judgement } from "./judge.ts";
import { type Memory, normalize, remembered, type Said } from "./limits.ts";

type Status = NonNullable<HorizontalPodAutoscaler["status"]>;

/** What is known of the target. */
export type Target =
  | { readonly sort: "absent"; readonly message: string }
  | { readonly sort: "there"; readonly replicas: number };

/** What the metrics say; undefined where they need not be asked. */
export type Metrics =
  | {
      readonly sort: "unselectable";
      readonly reason: string;
      readonly message: string;
      /** What is told in Events, where that is something else. */
      readonly told?: { readonly reason: string; readonly message: string };
    }
  | { readonly sort: "judged"; readonly judgements: readonly Judgement[] };

/** A target that does not say which pods are its own: a resource somebody defined, without the path to that. */
export const noSelector: Extract<Metrics, { sort: "unselectable" }> = {
  sort: "unselectable",
  reason: "InvalidSelector",
  message: "the HPA target's scale is missing a selector",
  told: { reason: "SelectorRequired", message: "selector is required" },
};

export interface Observed {
  readonly autoscaler: HorizontalPodAutoscaler;
  readonly target: Target;
  readonly metrics: Metrics | undefined;
  readonly memory: Memory;
  readonly now: number;
  readonly downscaleStabilizationMs: number;
}

export interface Decision {
  /** The size that the target should have; undefined where it should be left alone. */
  readonly scaleTo: number | undefined;
  /** Why, as it stands in the Event. */
  readonly because: string;
  readonly status: Status;
  readonly news: readonly EventNews[];
  readonly memory: Memory;
}

/** Whether the figures of pods decide about a target of this size, or something simpler does. */
export function asksMetrics({ spec }: HorizontalPodAutoscaler, replicas: number): boolean {
  const least = spec.minReplicas ?? 1;
  return !(replicas === 0 && least !== 0) && replicas <= spec.maxReplicas && replicas >= least;
}

/** Kubernetes docs, "Horizontal Pod Autoscaling". */
export function decide(observed: Observed): Decision {
  const { autoscaler, target, memory, now } = observed;
  const before: Status = autoscaler.status ?? { desiredReplicas: 0 };
  const quiet = { scaleTo: undefined, because: "", news: [], memory };
  if (target.sort === "absent") {
    const message = `the HPA controller was unable to get the target's current scale: ${target.message}`;
    const conditions = withCondition(before.conditions, "AbleToScale", fault("FailedGetScale", message), now);
    return { ...quiet, status: { ...before, conditions }, news: [warning("FailedGetScale", target.message)] };
  }

  const { replicas: current } = target;
  const least = autoscaler.spec.minReplicas ?? 1;
  const most = autoscaler.spec.maxReplicas;
  const found: Said = {
    status: "True",
    reason: "SucceededGetScale",
    message: "the HPA controller was able to get the target's current scale",
  };
  const conditions = withCondition(before.conditions, "AbleToScale", found, now);
  // What is remembered begins with the size that was found first.
  const begun =
    memory.recommendations.length > 0 ? memory : { ...memory, recommendations: [{ replicas: current, atMs: now }] };
  const seen = { ...observed, before, conditions, current, memory: begun };
  if (current === 0 && least !== 0) {
    const message = "scaling is disabled since the replica count of the target is zero";
    const disabled = withCondition(conditions, "ScalingActive", fault("ScalingDisabled", message), now);
    return {
      ...quiet,
      memory: begun,
      status: statusOf(seen, { conditions: disabled, desired: 0, metrics: undefined }),
    };
  }
  if (current > most)
    return scaled(seen, { to: most, because: "Current number of replicas above Spec.MaxReplicas", metrics: undefined });
  if (current < least)
    return scaled(seen, {
      to: least,
      because: "Current number of replicas below Spec.MinReplicas",
      metrics: undefined,
    });
  return decideByMetrics(seen, { least, most });
}

type Seen = Observed & {
  readonly before: Status;
  readonly conditions: readonly HorizontalPodAutoscalerCondition[];
  readonly current: number;
};

function decideByMetrics(seen: Seen, { least, most }: { least: number; most: number }): Decision {
  const { autoscaler, metrics, memory, now, current, conditions, before, downscaleStabilizationMs } = seen;
  const quiet = { scaleTo: undefined, because: "", memory };
  if (metrics?.sort !== "judged") {
    const { reason, message, told } = metrics ?? noSelector;
    const inactive = withCondition(conditions, "ScalingActive", fault(reason, message), now);
    const event = told ?? { reason, message };
    const news = [warning(event.reason, event.message), warning("FailedComputeMetricsReplicas", event.message)];
    const status = statusOf(seen, { conditions: inactive, desired: before.desiredReplicas, metrics: undefined });
    return { ...quiet, status, news };
  }

  const { judgements } = metrics;
  const faults = judgements.filter((judgement) => judgement.sort === "fault");
  const proposals = judgements.filter((judgement) => judgement.sort === "proposal");
  const highest = proposals.reduce<(typeof proposals)[number] | undefined>(
    (best, each) => (!best || each.replicas > best.replicas ? each : best),
    undefined,
  );
  // What could not be measured keeps its place in the list, empty.
  const statuses = judgements.map((judgement) => (judgement.sort === "proposal" ? judgement.status : { type: "" }));
  const warnings = faults.map(({ reason, message }) => warning(reason, message));
  const [first] = faults;
  const sum =
    first && `invalid metrics (${faults.length} invalid out of ${judgements.length}), first error is: ${first.wrapped}`;
  // With some of the figures missing more replicas are believed to be needed, fewer are not.
  if (first && (!highest || highest.replicas < current)) {
    const message = `the HPA was unable to compute the replica count: ${first.message}`;
    const inactive = withCondition(conditions, "ScalingActive", fault(first.reason, message), now);
    const status = statusOf(seen, { conditions: inactive, desired: before.desiredReplicas, metrics: statuses });
    return { ...quiet, status, news: [...warnings, warning("FailedComputeMetricsReplicas", sum ?? "")] };
  }

  const name = highest?.name ?? "";
  const proposed = highest?.replicas ?? current;
  const active: Said = {
    status: "True",
    reason: "ValidMetricFound",
    message: `the HPA was able to successfully calculate a replica count from ${name}`,
  };
  const normalized = normalize(autoscaler, memory, {
    current,
    proposed,
    min: least,
    max: most,
    now,
    downscaleStabilizationMs,
  });
  const told = (
    [
      ["ScalingActive", active],
      ["AbleToScale", normalized.able],
      ["ScalingLimited", normalized.limited],
    ] as const
  ).reduce((list, [type, said]) => withCondition(list, type, said, now), conditions);
  const next = { ...seen, conditions: told, memory: normalized.memory };
  const { replicas } = normalized;
  const news = warnings;
  if (replicas === current)
    return {
      ...quiet,
      memory: normalized.memory,
      status: statusOf(next, { conditions: told, desired: current, metrics: statuses }),
      news,
    };
  const because = proposed > current ? `${name} above target` : proposed < current ? "All metrics below target" : "";
  const decision = scaled(next, { to: replicas, because, metrics: statuses });
  return { ...decision, news: [...news, ...decision.news] };
}

function scaled(
  seen: Seen,
  { to, because, metrics }: { to: number; because: string; metrics: readonly MetricStatus[] | undefined },
): Decision {
  const { autoscaler, conditions, current, now } = seen;
  const message = `the HPA controller was able to update the target scale to ${to}`;
  const told = withCondition(conditions, "AbleToScale", { status: "True", reason: "SucceededRescale", message }, now);
  const status = { ...statusOf(seen, { conditions: told, desired: to, metrics }), lastScaleTime: timeText(now) };
  const news: EventNews = {
    type: "Normal",
    reason: "SuccessfulRescale",
    message: `New size: ${to}; reason: ${because}`,
  };
  const memory = remembered(autoscaler, seen.memory, { from: current, to, now });
  return { scaleTo: to, because, status, news: [news], memory };
}

/** What is said instead when the target did not take its new size. */
export function notScaled(
  { autoscaler, now }: Observed,
  decision: Decision,
  why: string,
): Pick<Decision, "status" | "news"> {
  const { scaleTo, because, status } = decision;
  const message = `the HPA controller was unable to update the target scale: ${why}`;
  const conditions = withCondition(status.conditions, "AbleToScale", fault("FailedUpdateScale", message), now);
  const before = autoscaler.status;
  const { lastScaleTime: _, ...rest } = status;
  return {
    status: {
      ...rest,
      ...(before?.lastScaleTime && { lastScaleTime: before.lastScaleTime }),
      desiredReplicas: before?.desiredReplicas ?? 0,
      conditions,
    },
    news: [warning("FailedRescale", `New size: ${scaleTo}; reason: ${because}; error: ${why}`)],
  };
}

function statusOf(
  { before, current }: Seen,
  next: {
    conditions: readonly HorizontalPodAutoscalerCondition[];
    desired: number;
    metrics: readonly MetricStatus[] | undefined;
  },
): Status {
  const { conditions, desired, metrics } = next;
  return {
    ...(before.observedGeneration !== undefined && { observedGeneration: before.observedGeneration }),
    ...(before.lastScaleTime && { lastScaleTime: before.lastScaleTime }),
    ...(current > 0 && { currentReplicas: current }),
    desiredReplicas: desired,
    ...(metrics && { currentMetrics: [...metrics] }),
    conditions: [...conditions],
  };
}

const fault = (reason: string, message: string): Said => ({ status: "False", reason, message });
const warning = (reason: string, message: string): EventNews => ({ type: "Warning", reason, message });

function withCondition(
  conditions: readonly HorizontalPodAutoscalerCondition[] = [],
  type: string,
  { status, reason, message }: Said,
  now: number,
): HorizontalPodAutoscalerCondition[] {
  const before = conditions.find((condition) => condition.type === type);
  const since = before?.status === status ? before.lastTransitionTime : timeText(now);
  const next = { type, status, ...(since && { lastTransitionTime: since }), reason, message };
  return before ? conditions.map((each) => (each === before ? next : each)) : [...conditions, next];
}
