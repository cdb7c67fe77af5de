import type { Node, NodeCondition, Taint } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { soonest } from "../soonest.ts";

export interface Observed {
  readonly node: Node;
  /** Milliseconds since 1970, by this machine's clock, when the node was last heard of. */
  readonly heardAtMs: number;
  readonly now: number;
  /** How long a node may be silent; longer before its first word. */
  readonly graceMs: number;
  readonly startupGraceMs: number;
  /** Whether every other node is silent or not ready too: then the fault is more likely on this side. */
  readonly othersAreDown: boolean;
  /** How long the node must wait for its turn to have its pods evicted; undefined: it has none for now. */
  readonly turnMs: number | undefined;
}

export interface Decision {
  /** The node's conditions, where they must change. */
  readonly conditions?: readonly NodeCondition[];
  /** Its taints after the first write, and after a second one; the same list where nothing changes. */
  readonly scheduling: readonly Taint[];
  readonly execution: readonly Taint[];
  /** Labels that are missing or wrong. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether the node has just fallen silent: its pods are told. */
  readonly fellSilent: boolean;
  /** Whether the node takes its turn: its pods will be evicted from now on. */
  readonly takesTurn: boolean;
  /** When to look again, at the latest. */
  readonly againAfterMs: number | undefined;
}

const prefix = "node.kubernetes.io/";
/** Kubernetes docs, "Taints and Tolerations", section "Taint Nodes by Condition": the status that taints, and the taint. */
const taintsByCondition: readonly { type: string; status: string; key: string }[] = [
  { type: "Ready", status: "False", key: `${prefix}not-ready` },
  { type: "Ready", status: "Unknown", key: `${prefix}unreachable` },
  { type: "MemoryPressure", status: "True", key: `${prefix}memory-pressure` },
  { type: "DiskPressure", status: "True", key: `${prefix}disk-pressure` },
  { type: "PIDPressure", status: "True", key: `${prefix}pid-pressure` },
  { type: "NetworkUnavailable", status: "True", key: `${prefix}network-unavailable` },
];
const unschedulable = `${prefix}unschedulable`;
const schedulingKeys = new Set([...taintsByCondition.map(({ key }) => key), unschedulable]);
const executionKeys = new Set([`${prefix}not-ready`, `${prefix}unreachable`]);
/** Conditions that a silent node is given as unknown even when it never reported them. */
const reported = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** Kubernetes docs, "Nodes", section "Node controller". */
export function decide(observed: Observed): Decision {
  const { node, heardAtMs, now, graceMs, startupGraceMs, othersAreDown, turnMs } = observed;
  const before = node.status?.conditions ?? [];
  const ready = before.find(({ type }) => type === "Ready");
  const limitMs = ready ? graceMs : startupGraceMs;
  const silentForMs = now - heardAtMs;
  const isSilent = silentForMs > limitMs;
  const conditions = isSilent ? silenced(before, node.metadata.creationTimestamp ?? "", now) : before;
  const readyNow = conditions.find(({ type }) => type === "Ready");

  const taints = node.spec.taints ?? [];
  const added = timeText(now);
  const scheduling = withEffect(taints, "NoSchedule", schedulingKeys, wantedScheduling(node, conditions), added);
  const wanted = othersAreDown ? [] : readyTaint(readyNow?.status);
  // Only the first taint waits for the node's turn: one that is exchanged for another evicts nobody new.
  const isNew =
    wanted.length > 0 && !taints.some(({ key, effect }) => effect === "NoExecute" && executionKeys.has(key));
  const waits = isNew && turnMs !== 0;
  const execution = withEffect(scheduling, "NoExecute", executionKeys, waits ? [] : wanted, added);
  return {
    ...(conditions !== before && { conditions }),
    scheduling,
    execution,
    labels: missingLabels(node),
    fellSilent: ready?.status === "True" && readyNow?.status === "Unknown",
    takesTurn: isNew && !waits,
    againAfterMs: soonest([isSilent ? undefined : limitMs - silentForMs + 1, waits ? turnMs : undefined]),
  };
}

/** Every condition that the node reports by itself turns Unknown; the same list when all are. */
function silenced(before: readonly NodeCondition[], createdAt: string, now: number): readonly NodeCondition[] {
  const at = timeText(now);
  const absent = reported.filter((type) => !before.some((condition) => condition.type === type));
  if (absent.length === 0 && before.every(({ type, status }) => !reported.includes(type) || status === "Unknown"))
    return before;
  const turned = before.map((condition) =>
    reported.includes(condition.type) && condition.status !== "Unknown"
      ? {
          ...condition,
          status: "Unknown",
          reason: "NodeStatusUnknown",
          message: "Kubelet stopped posting node status.",
          lastTransitionTime: at,
        }
      : condition,
  );
  const never = absent.map((type) => ({
    type,
    status: "Unknown",
    reason: "NodeStatusNeverUpdated",
    message: "Kubelet never posted node status.",
    lastHeartbeatTime: createdAt,
    lastTransitionTime: at,
  }));
  return [...turned, ...never];
}

function wantedScheduling(node: Node, conditions: readonly NodeCondition[]): string[] {
  const byCondition = taintsByCondition
    .filter(({ type, status }) => conditions.some((c) => c.type === type && c.status === status))
    .map(({ key }) => key);
  return node.spec.unschedulable ? [...byCondition, unschedulable] : byCondition;
}

function readyTaint(status: string | undefined): string[] {
  if (status === "Unknown") return [`${prefix}unreachable`];
  return status === "False" ? [`${prefix}not-ready`] : [];
}

/** The taints with those of `effect` among `ours` made the `wanted` ones; the same list when they are. */
function withEffect(
  taints: readonly Taint[],
  effect: string,
  ours: ReadonlySet<string>,
  wanted: readonly string[],
  timeAdded: string,
): readonly Taint[] {
  const isOurs = (taint: Taint) => taint.effect === effect && ours.has(taint.key);
  const missing = wanted.filter((key) => !taints.some((taint) => isOurs(taint) && taint.key === key));
  const kept = taints.filter((taint) => !isOurs(taint) || wanted.includes(taint.key));
  if (missing.length === 0 && kept.length === taints.length) return taints;
  return [...kept, ...missing.map((key) => ({ key, effect, timeAdded }))];
}

/** The older names of two labels follow the newer ones. */
function missingLabels({ metadata: { labels = {} } }: Node): Record<string, string> {
  const wanted: Record<string, string> = {};
  for (const name of ["arch", "os"]) {
    const value = labels[`kubernetes.io/${name}`];
    if (value !== undefined && labels[`beta.kubernetes.io/${name}`] !== value)
      wanted[`beta.kubernetes.io/${name}`] = value;
  }
  return wanted;
}
