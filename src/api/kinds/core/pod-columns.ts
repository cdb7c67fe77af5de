import { ageColumn, nameColumn, since } from "../../columns.ts";
import type { Column } from "../../kind.ts";
import { hasEnded } from "../../pod-phase.ts";
import type { ContainerState, ContainerStatus, Pod } from "../../schema/types.ts";

/** How `kubectl get pods` shows a pod (Kubernetes docs, "Pod Lifecycle"). */
export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  {
    name: "Ready",
    type: "string",
    cell: (pod) => {
      const { ready, total } = summaryOf(pod);
      return `${ready}/${total}`;
    },
  },
  { name: "Status", type: "string", cell: (pod) => summaryOf(pod).reason },
  { name: "Restarts", type: "string", cell: (pod, now) => shownRestarts(summaryOf(pod), now) },
  ageColumn,
  { name: "IP", type: "string", priority: 1, cell: ({ status }) => status?.podIPs?.[0]?.ip || "<none>" },
  { name: "Node", type: "string", priority: 1, cell: ({ spec }) => spec.nodeName || "<none>" },
  { name: "Nominated Node", type: "string", priority: 1, cell: ({ status }) => status?.nominatedNodeName || "<none>" },
  { name: "Readiness Gates", type: "string", priority: 1, cell: shownGates },
];

interface Summary {
  readonly reason: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** When the last container ended that was started again; NaN for never. */
  readonly lastRestart: number;
}

function summaryOf(pod: Pod): Summary {
  const { spec, status = {}, metadata } = pod;
  const sidecars = new Set(
    (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always").map(({ name }) => name),
  );
  const init = initProgress(pod, sidecars);
  const main = init.waitsFor === undefined || hasCondition(pod, "Initialized") ? mainProgress(pod) : undefined;
  const gated = (status.conditions ?? []).some(
    ({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated",
  );
  const before = init.waitsFor ?? (gated ? "SchedulingGated" : status.reason || status.phase || "");
  const reason = main?.reason ?? before;
  // Of init containers only those that go on running count once the others are done; those after the one at work never.
  const counted = init.seen.filter(({ name }) => !main || sidecars.has(name));
  const statuses = [...counted, ...(main ? (status.containerStatuses ?? []) : [])];
  return {
    reason: metadata.deletionTimestamp ? leavingReason(pod, reason) : reason,
    ready: init.ready + (main?.ready ?? 0),
    total: (spec.containers ?? []).length + sidecars.size,
    restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: statuses.map(endedAt).reduce(latest, Number.NaN),
  };
}

function leavingReason({ status }: Pod, reason: string): string {
  if (status?.reason === "NodeLost") return "Unknown";
  return hasEnded({ status }) ? reason : "Terminating";
}

interface InitProgress {
  readonly waitsFor: string | undefined;
  /** How many of those that go on running are ready. */
  readonly ready: number;
  readonly seen: readonly ContainerStatus[];
}

/** What the first init container that is not done is at. */
function initProgress({ spec, status }: Pod, sidecars: ReadonlySet<string>): InitProgress {
  let ready = 0;
  const all = status?.initContainerStatuses ?? [];
  for (const [position, container] of all.entries()) {
    const { state = {}, name } = container;
    if (state.terminated && state.terminated.exitCode === 0) continue;
    if (sidecars.has(name) && container.started) {
      if (container.ready) ready++;
      continue;
    }
    const seen = all.slice(0, position + 1);
    if (state.terminated) return { waitsFor: `Init:${endReason(state)}`, ready, seen };
    const { reason = "" } = state.waiting ?? {};
    if (reason && reason !== "PodInitializing") return { waitsFor: `Init:${reason}`, ready, seen };
    return { waitsFor: `Init:${position}/${(spec.initContainers ?? []).length}`, ready, seen };
  }
  return { waitsFor: undefined, ready, seen: all };
}

function mainProgress(pod: Pod): { reason: string | undefined; ready: number } {
  let reason: string | undefined;
  let failed: string | undefined;
  let ready = 0;
  for (const { state = {}, ready: isReady } of (pod.status?.containerStatuses ?? []).toReversed()) {
    if (state.waiting?.reason) reason = state.waiting.reason;
    else if (state.terminated) {
      reason = endReason(state);
      if (state.terminated.exitCode !== 0) failed = reason;
    } else if (isReady && state.running) ready++;
  }
  if (reason !== "Completed") return { reason, ready };
  // One that is done does not speak for the others.
  if (ready > 0 && hasCondition(pod, "Ready")) return { reason: "Running", ready };
  return { reason: failed ?? (ready > 0 ? "NotReady" : reason), ready };
}

function endReason({ terminated }: ContainerState): string {
  if (terminated?.reason) return terminated.reason;
  return terminated?.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated?.exitCode ?? 0}`;
}

function hasCondition({ status }: Pod, wanted: string): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === wanted && condition.status === "True");
}

function endedAt({ lastState }: ContainerStatus): number {
  return Date.parse(lastState?.terminated?.finishedAt ?? "");
}

function latest(a: number, b: number): number {
  return Number.isNaN(a) || b > a ? b : a;
}

function shownRestarts({ restarts, lastRestart }: Summary, now: number): string {
  if (restarts === 0 || Number.isNaN(lastRestart)) return `${restarts}`;
  return `${restarts} (${since(new Date(lastRestart).toISOString(), now)} ago)`;
}

function shownGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  return `${gates.filter(({ conditionType }) => hasCondition(pod, conditionType)).length}/${gates.length}`;
}
