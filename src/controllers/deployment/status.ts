import type { Deployment, DeploymentCondition, DeploymentStatus } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import { conditionOf, withoutZeros } from "../conditions.ts";
import type { Draft } from "./draft.ts";
import { deadlineOf, isComplete, limitsOf, total } from "./limits.ts";

type NewCondition = Pick<DeploymentCondition, "type" | "status" | "reason" | "message">;

/** The counters and whether enough pods are available. `base` is the status so far in this round. */
export function statusFrom(
  deployment: Deployment,
  drafts: readonly Draft[],
  newest: Draft | undefined,
  base: DeploymentStatus,
  now: number,
): DeploymentStatus {
  const sum = (count: (draft: Draft) => number | undefined): number => total(drafts, (draft) => count(draft) ?? 0);
  const available = sum((draft) => draft.available);
  const { replicas, maxUnavailable } = limitsOf(deployment);
  const enough = available >= replicas - maxUnavailable;
  const condition: NewCondition = enough
    ? conditionFrom("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    : conditionFrom(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
      );
  return {
    ...withoutZeros({
      observedGeneration: deployment.metadata.generation ?? 0,
      replicas: sum(({ original }) => original?.status?.replicas),
      updatedReplicas: newest?.original?.status?.replicas ?? 0,
      readyReplicas: sum(({ original }) => original?.status?.readyReplicas),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, sum((draft) => draft.replicas) - available),
    }),
    terminatingReplicas: sum(({ original }) => original?.status?.terminatingReplicas),
    ...(base.collisionCount !== undefined && { collisionCount: base.collisionCount }),
    conditions: setCondition(base.conditions ?? [], condition, now),
  };
}

/** The status with a pause or its end told; the very status that is there when there is nothing to tell. */
export function withPausedCondition(deployment: Deployment, now: number): DeploymentStatus {
  const { spec, status = {} } = deployment;
  const progressing = conditionOf(status.conditions, "Progressing");
  if (deadlineOf(deployment) === undefined || progressing?.reason === "ProgressDeadlineExceeded") return status;
  const saysPaused = progressing?.reason === "DeploymentPaused";
  if (Boolean(spec.paused) === saysPaused) return status;
  const condition = spec.paused
    ? conditionFrom("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    : conditionFrom("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
  return { ...status, conditions: setCondition(status.conditions ?? [], condition, now) };
}

/** How the rollout goes: done, under way, or stuck for too long; and what ReplicaSets could not create. */
export function withProgress(
  deployment: Deployment,
  status: DeploymentStatus,
  { newest, drafts, now }: { newest: Draft | undefined; drafts: readonly Draft[]; now: number },
): DeploymentStatus {
  let conditions = status.conditions ?? [];
  const deadline = deadlineOf(deployment);
  const current = conditionOf(conditions, "Progressing");
  const wasDone = status.replicas === status.updatedReplicas && current?.reason === "NewReplicaSetAvailable";
  const subject = newest ? `ReplicaSet "${newest.name}"` : `Deployment "${deployment.metadata.name}"`;
  if (deadline === undefined) conditions = conditions.filter(({ type }) => type !== "Progressing");
  else if (!wasDone) {
    const say = (status: string, reason: string, does: string): NewCondition =>
      conditionFrom("Progressing", status, reason, `${subject} ${does}.`);
    if (isComplete(deployment, status))
      conditions = setCondition(conditions, say("True", "NewReplicaSetAvailable", "has successfully progressed"), now);
    else if (progressed(deployment.status ?? {}, status))
      conditions = renewCondition(conditions, say("True", "ReplicaSetUpdated", "is progressing"), now);
    else if (current && timedOut(current, deadline, now))
      conditions = setCondition(conditions, say("False", "ProgressDeadlineExceeded", "has timed out progressing"), now);
  }
  const failures = [newest, ...drafts].flatMap(
    (draft) => conditionOf(draft?.original?.status?.conditions, "ReplicaFailure") ?? [],
  );
  const failure = failures[0];
  conditions = failure
    ? setCondition(
        conditions,
        conditionFrom("ReplicaFailure", failure.status, failure.reason ?? "", failure.message ?? ""),
        now,
      )
    : conditions.filter(({ type }) => type !== "ReplicaFailure");
  return { ...status, conditions };
}

/** When a rollout that does not move will have taken too long. */
export function untilDeadlineMs(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const deadline = deadlineOf(deployment);
  const { paused } = deployment.spec;
  const progressing = conditionOf(status.conditions, "Progressing");
  if (deadline === undefined || paused || !progressing?.lastUpdateTime || isComplete(deployment, status))
    return undefined;
  if (["ProgressDeadlineExceeded", "NewReplicaSetAvailable"].includes(progressing.reason ?? "")) return undefined;
  // A second more: the API's times have no fractions.
  return Math.max(0, Date.parse(progressing.lastUpdateTime) + deadline * 1000 - now) + 1000;
}

/** Says a condition; one that says the same already stays as it is, a changed status renews its time of transition. */
export function setCondition(
  conditions: readonly DeploymentCondition[],
  wanted: NewCondition,
  now: number,
): DeploymentCondition[] {
  const current = conditionOf(conditions, wanted.type);
  const isSaid = current?.status === wanted.status && current.reason === wanted.reason;
  return isSaid ? [...conditions] : renewCondition(conditions, wanted, now);
}

/** The same, but its time of update moves even when it says the same: the deadline counts from the last progress. */
function renewCondition(
  conditions: readonly DeploymentCondition[],
  wanted: NewCondition,
  now: number,
): DeploymentCondition[] {
  const current = conditionOf(conditions, wanted.type);
  const others = conditions.filter(({ type }) => type !== wanted.type);
  const time = timeText(now);
  const lastTransitionTime = (current?.status === wanted.status && current.lastTransitionTime) || time;
  return [...others, { ...wanted, lastUpdateTime: time, lastTransitionTime }];
}

function conditionFrom(type: string, status: string, reason: string, message: string): NewCondition {
  return { type, status, reason, message };
}

function progressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number => replicas - updatedReplicas;
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function timedOut(current: DeploymentCondition, deadlineSeconds: number, now: number): boolean {
  if (current.reason === "NewReplicaSetAvailable") return false;
  if (current.reason === "ProgressDeadlineExceeded") return true;
  return Date.parse(current.lastUpdateTime ?? "") + deadlineSeconds * 1000 < now;
}
