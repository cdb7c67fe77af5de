import { milliOf } from "../../api/quantity.ts";
import type { Pod } from "../../api/schema/types.ts";

/** What one pod uses of something, in thousandths. */
export interface PodMetric {
  readonly value: number;
  readonly atMs: number;
  /** Over which time it was measured. */
  readonly windowMs: number;
}

/** By pod name. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** How far from the target the usage may be without any consequence: 0.1 is ten per cent. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export interface UsageSettings {
  readonly now: number;
  readonly cpuInitializationMs: number;
  readonly initialReadinessDelayMs: number;
  readonly tolerances: Tolerances;
}

interface Groups {
  readonly ready: number;
  /** Pods whose figures say nothing yet. */
  readonly unready: readonly string[];
  /** Pods without figures. */
  readonly missing: readonly string[];
  /** Pods that are leaving or have failed. */
  readonly ignored: readonly string[];
}

/** Kubernetes docs, "Horizontal Pod Autoscaling", section "Algorithm details". */
export function groupPods(
  pods: readonly Pod[],
  metrics: PodMetrics,
  resource: string,
  { now, cpuInitializationMs, initialReadinessDelayMs }: UsageSettings,
): Groups {
  const unready: string[] = [];
  const missing: string[] = [];
  const ignored: string[] = [];
  let ready = 0;
  for (const { metadata, status } of pods) {
    const { name } = metadata;
    const metric = metrics.get(name);
    if (metadata.deletionTimestamp || status?.phase === "Failed") ignored.push(name);
    else if (status?.phase === "Pending") unready.push(name);
    else if (!metric) missing.push(name);
    else if (resource === "cpu" && saysNothing(status, metric)) unready.push(name);
    else ready++;
  }
  return { ready, unready, missing, ignored };

  function saysNothing(status: Pod["status"], metric: PodMetric): boolean {
    const condition = status?.conditions?.find(({ type }) => type === "Ready");
    if (!condition || !status?.startTime) return true;
    const startedMs = Date.parse(status.startTime);
    const changedMs = Date.parse(condition.lastTransitionTime ?? "") || 0;
    // A program that starts uses more than it will.
    if (startedMs + cpuInitializationMs > now)
      return condition.status === "False" || metric.atMs < changedMs + metric.windowMs;
    return condition.status === "False" && startedMs + initialReadinessDelayMs > changedMs;
  }
}

/** What the usage proposes. */
export interface UsageProposal {
  readonly replicas: number;
  /** Per cent of what is asked for, where that is the target. */
  readonly utilization?: number;
  /** Of the average pod, in thousandths. */
  readonly average: number;
}

/** A metric that cannot be worked with; the message stands in conditions and Events. */
export class MetricFault extends Error {
  override readonly name = "MetricFault";
}

export interface UsageQuestion {
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly metrics: PodMetrics;
  /** Its name, where it is a resource. */
  readonly resource: string;
  readonly settings: UsageSettings;
}

/** So many replicas that the average pod uses this much of what it asks for, in per cent. */
export function replicasForUtilization(
  question: UsageQuestion & { readonly target: number; readonly container?: string | undefined },
): UsageProposal {
  const { pods, resource, target, container } = question;
  if (pods.length === 0) throw new MetricFault("no pods returned by selector while calculating replica count");
  let known: ReadonlyMap<string, number> | undefined;
  // Asked for late: without figures it does not matter that a pod asks for nothing.
  const requested = (): ReadonlyMap<string, number> => {
    known ??= new Map(pods.map((pod) => [pod.metadata.name, requestOf(pod, resource, container)]));
    return known;
  };
  const measure = (metrics: PodMetrics) => {
    const requests = requested();
    const measured = [...metrics].filter(([name]) => requests.has(name));
    const used = measured.reduce((sum, [, { value }]) => sum + value, 0);
    const asked = measured.reduce((sum, [name]) => sum + (requests.get(name) ?? 0), 0);
    if (asked === 0) throw new MetricFault("no metrics returned matched known pods");
    const utilization = Math.trunc((used * 100) / asked);
    return { ratio: utilization / target, utilization, average: Math.trunc(used / measured.length) };
  };
  const fallback = Math.max(100, target);
  const assumed = (name: string): number => Math.trunc(((requested().get(name) ?? 0) * fallback) / 100);
  return proposal(question, measure, assumed);
}

/** So many replicas that the average pod uses this much, in thousandths. */
export function replicasForAverage(question: UsageQuestion & { readonly target: number }): UsageProposal {
  const { pods, target } = question;
  if (pods.length === 0) throw new MetricFault("no pods returned by selector while calculating replica count");
  const measure = (metrics: PodMetrics) => {
    const average = Math.trunc([...metrics.values()].reduce((sum, { value }) => sum + value, 0) / metrics.size);
    return { ratio: average / target, average };
  };
  return proposal(question, measure, () => target);
}

interface Measured {
  /** 1 is right on target. */
  readonly ratio: number;
  readonly utilization?: number;
  readonly average: number;
}

function proposal(
  { current, pods, metrics, resource, settings }: UsageQuestion,
  measure: (metrics: PodMetrics) => Measured,
  /** What a pod without figures is believed to use where fewer are proposed. */
  assumed: (pod: string) => number,
): UsageProposal {
  const { tolerances, now } = settings;
  const { ready, unready, missing, ignored } = groupPods(pods, metrics, resource, settings);
  const counted = new Map(metrics);
  for (const name of [...unready, ...ignored]) counted.delete(name);
  if (counted.size === 0) throw new MetricFault("did not receive metrics for targeted pods (pods might be unready)");
  const { ratio, ...first } = measure(counted);
  const unchanged = { ...first, replicas: current };

  const countsUnready = unready.length > 0 && ratio > 1;
  if (!countsUnready && missing.length === 0)
    return isOnTarget(ratio, tolerances) ? unchanged : { ...first, replicas: Math.ceil(ratio * ready) };

  // Of those that say nothing the cautious thing is believed: much where fewer are proposed, nothing where more are.
  const believe = (name: string, value: number): void => void counted.set(name, { value, atMs: now, windowMs: 0 });
  if (ratio < 1) for (const name of missing) believe(name, assumed(name));
  else if (ratio > 1) for (const name of missing) believe(name, 0);
  if (countsUnready) for (const name of unready) believe(name, 0);

  const again = measure(counted);
  const turnsRound = (ratio < 1 && again.ratio > 1) || (ratio > 1 && again.ratio < 1);
  if (isOnTarget(again.ratio, tolerances) || turnsRound) return unchanged;
  const replicas = Math.ceil(again.ratio * counted.size);
  const contradicts = (again.ratio < 1 && replicas > current) || (again.ratio > 1 && replicas < current);
  return contradicts ? unchanged : { ...first, replicas };
}

export function isOnTarget(ratio: number, { up, down }: Tolerances): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** What a pod asks for, in thousandths. */
function requestOf({ metadata, spec }: Pod, resource: string, container: string | undefined): number {
  const whole = container === undefined ? spec?.resources?.requests?.[resource] : undefined;
  if (whole !== undefined) return milliOf(whole);
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  let sum = 0;
  for (const { name, resources } of [...(spec?.containers ?? []), ...sidecars]) {
    if (container !== undefined && name !== container) continue;
    const request = resources?.requests?.[resource];
    if (request === undefined)
      throw new MetricFault(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`);
    sum += milliOf(request);
  }
  return sum;
}

/** For a metric of one object: so many replicas that its value comes down to the target, in proportion. */
export function replicasForValue(
  question: Pick<UsageQuestion, "current" | "pods"> & {
    readonly value: number;
    readonly target: number;
    readonly tolerances: Tolerances;
  },
): number {
  const { current, pods, value, target, tolerances } = question;
  const ratio = value / target;
  if (current === 0) return Math.ceil(ratio);
  if (isOnTarget(ratio, tolerances)) return current;
  if (pods.length === 0)
    throw new MetricFault(
      "unable to calculate ready pods: no pods returned by selector while calculating replica count",
    );
  const ready = pods.filter(
    ({ status }) =>
      status?.phase === "Running" &&
      status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
  ).length;
  return Math.ceil(ratio * ready);
}

/** For a metric that is shared: so many replicas that each one's part is the target. */
export function replicasForPart(question: {
  readonly current: number;
  readonly value: number;
  readonly target: number;
  readonly tolerances: Tolerances;
}): { readonly replicas: number; readonly average: number } {
  const { current, value, target, tolerances } = question;
  const replicas = isOnTarget(value / (target * current), tolerances) ? current : Math.ceil(value / target);
  return { replicas, average: Math.ceil(value / Math.max(1, current)) };
}
