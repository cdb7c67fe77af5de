import type { Node, NodeCondition, NodeStatus } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";

/** There only while packets between its pods and those of other nodes do not arrive; the network's part reads it too. */
const blockedCondition = "PodNetworkBlocked";

type ConditionText = readonly [type: string, status: string, reason: string, message: string];

const healthy: readonly ConditionText[] = [
  ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
  ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
  ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
  ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
];

const short: typeof healthy = [
  ["MemoryPressure", "True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
  ["DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure"],
  ["PIDPressure", "True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
];

/** A node's conditions in kubelet's words; those of others stay. */
export function conditionsOf(
  old: readonly NodeCondition[],
  {
    nowMs,
    trouble,
    pressure,
    missing,
  }: {
    nowMs: number;
    trouble: string | undefined;
    pressure: ReadonlySet<string>;
    missing: string;
  },
): NodeCondition[] {
  const notReady: ConditionText = ["Ready", "False", "KubeletNotReady", trouble ?? ""];
  const all = healthy.map((each) => {
    if (each[0] === "Ready") return trouble !== undefined ? notReady : each;
    return (pressure.has(each[0]) && short.find(([type]) => type === each[0])) || each;
  });
  const blocked: ConditionText = [blockedCondition, "True", "PacketsDoNotArrive", missing];
  const own = [...all, ...(missing ? [blocked] : [])].map(([type, status, reason, message]): NodeCondition => {
    const before = old.find((condition) => condition.type === type);
    const same = before?.status === status && before.lastTransitionTime;
    const now = timeText(nowMs);
    return { type, status, lastHeartbeatTime: now, lastTransitionTime: same || now, reason, message };
  });
  const others = old.filter(({ type }) => type !== blockedCondition && !own.some((each) => each.type === type));
  return [...others, ...own];
}

/** Whether somebody else says that nothing is known of this node. */
export function isGivenUp({ status }: Node): boolean {
  return (status?.conditions ?? []).some(
    ({ type, status: value }) => value === "Unknown" && healthy.some(([own]) => own === type),
  );
}

/** What of a status makes it another one. */
export function withoutHeartbeats({ conditions = [], ...rest }: NodeStatus): object {
  return { ...rest, conditions: conditions.map(({ lastHeartbeatTime: _, ...condition }) => condition) };
}
