import type { ContainerStatus, Pod, PodCondition } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import type { PodContainer } from "./containers.ts";
import type { Phase } from "./phase.ts";
import type { ResizeState } from "./resize.ts";
import type { GivenUp } from "./status.ts";

export interface ConditionInputs {
  readonly pod: Pod;
  readonly phase: Phase;
  readonly statuses: ReadonlyMap<PodContainer, ContainerStatus>;
  readonly sandboxReady: boolean;
  readonly podIps: readonly string[];
  readonly resize: ResizeState;
  readonly givenUp?: GivenUp | undefined;
  readonly nowMs: number;
}

type Judgement = Pick<PodCondition, "status" | "reason" | "message">;

/** The conditions that the node answers for, in kubelet's order, and those of others as they are. */
export function conditionsOf(inputs: ConditionInputs): PodCondition[] {
  const { pod, sandboxReady, podIps, nowMs, givenUp } = inputs;
  const containersReady = judgeContainers(inputs);
  const own: [type: string, judgement: Judgement][] = [
    ["PodReadyToStartContainers", { status: sandboxReady && podIps.length > 0 ? "True" : "False" }],
    ["Initialized", judgeInitialized(inputs)],
    ["Ready", judgeReady(pod, containersReady)],
    ["ContainersReady", containersReady],
    ["PodScheduled", { status: "True" }],
    ...disruptionOf(givenUp),
  ];
  const old = pod.status?.conditions ?? [];
  const mine = own.map(([type, judgement]): PodCondition => {
    const before = old.find((condition) => condition.type === type);
    const changed = before?.status !== judgement.status;
    return {
      type,
      ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
      status: judgement.status,
      lastProbeTime: null as never,
      lastTransitionTime: (!changed && before?.lastTransitionTime) || timeText(nowMs),
      ...(judgement.reason && { reason: judgement.reason }),
      ...(judgement.message && { message: judgement.message }),
    };
  });
  const others = old.filter(({ type }) => !own.some(([mineType]) => mineType === type) && !resizeTypes.includes(type));
  return [...mine, ...others, ...resizeConditions(inputs)];
}

/** Kubernetes docs, "Disruptions", section "Pod disruption conditions". */
function disruptionOf(givenUp: GivenUp | undefined): [type: string, judgement: Judgement][] {
  if (!givenUp?.disruption) return [];
  const { disruption: reason, message, disruptionMessage = message } = givenUp;
  return [["DisruptionTarget", { status: "True", reason, message: disruptionMessage }]];
}

const resizeTypes = ["PodResizePending", "PodResizeInProgress"];

/** They are there only while they hold. */
function resizeConditions({ pod, resize: { pending, inProgress }, nowMs }: ConditionInputs): PodCondition[] {
  const condition = (type: string, observedGeneration: number, reason?: string, message?: string): PodCondition => {
    const before = pod.status?.conditions?.find((each) => each.type === type);
    return {
      type,
      observedGeneration,
      status: "True",
      lastProbeTime: null as never,
      lastTransitionTime: (before?.reason === reason && before?.lastTransitionTime) || timeText(nowMs),
      ...(reason && { reason }),
      ...(message && { message }),
    };
  };
  return [
    ...(pending ? [condition("PodResizePending", pending.generation, pending.reason, pending.message)] : []),
    ...(inProgress
      ? [condition("PodResizeInProgress", inProgress.generation, inProgress.error && "Error", inProgress.error)]
      : []),
  ];
}

function judgeInitialized({ phase, statuses }: ConditionInputs): Judgement {
  const inits = [...statuses].filter(([{ role }]) => role === "init" || role === "sidecar");
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  const appsRan = [...statuses].some(
    ([{ role }, { state, lastState }]) => role === "app" && (state?.running || lastState?.terminated),
  );
  const incomplete = inits.filter(([{ role }, { ready, started }]) =>
    role === "init" ? !ready : !started && !appsRan,
  );
  if (incomplete.length === 0 || appsRan) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: ${nameList(incomplete.map(([, { name }]) => name))}`,
  };
}

function judgeContainers({ phase, statuses }: ConditionInputs): Judgement {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const unready = [...statuses].filter(([{ role }, { ready }]) => (role === "app" || role === "sidecar") && !ready);
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: ${nameList(unready.map(([, { name }]) => name))}`,
  };
}

function judgeReady(pod: Pod, containersReady: Judgement): Judgement {
  if (containersReady.status !== "True") return containersReady;
  const problems = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (problems.length === 0) return { status: "True" };
  return { status: "False", reason: "ReadinessGatesNotReady", message: problems.join(", ") };
}

const nameList = (names: readonly string[]): string => `[${names.join(" ")}]`;
