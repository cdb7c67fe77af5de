import type { ContainerState, ContainerStatus, Pod, PodStatus } from "../../api/schema/types.ts";
import { timeText } from "../../api/time.ts";
import type { Container } from "../runtime.ts";
import { conditionsOf } from "./conditions.ts";
import { containersOf, newest, type PodContainer, restartsAfter } from "./containers.ts";
import type { ProbeFindings } from "./decide.ts";
import { type Phase, phaseOf } from "./phase.ts";
import { type Allocation, appliedResources, type ResizeState } from "./resize.ts";
import { qosClassOf } from "./resources.ts";
import { attemptAfterVanished, toldOf } from "./vanished.ts";

/** Why a container that should run does not, when its last start was not even tried or failed. */
export interface StartTrouble {
  readonly reason: string;
  readonly message: string;
}

/** Why the node gave a pod up. */
export interface GivenUp extends StartTrouble {
  /** It is no fault of the pod's: the reason of its condition DisruptionTarget. */
  readonly disruption?: "TerminationByKubelet";
  /** What that condition says; the message where it is absent. */
  readonly disruptionMessage?: string;
}

/** What a pod's status is made of. */
export interface StatusInputs {
  readonly pod: Pod;
  /** Newest first. */
  readonly containers: readonly Container[];
  readonly sandboxReady: boolean;
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
  readonly findings: ReadonlyMap<string, ProbeFindings>;
  /** By container name. */
  readonly troubles: ReadonlyMap<string, StartTrouble>;
  /** By container id; what containers wrote as their last words. */
  readonly lastWords: ReadonlyMap<string, string>;
  /** By image id: the reference under which it was pulled. */
  readonly imageReferences: ReadonlyMap<string, string>;
  readonly allocation: Allocation;
  readonly resize: ResizeState;
  /** All containers have been stopped for good. */
  readonly ended: boolean;
  /** The node gave the pod up, with phase Failed. */
  readonly givenUp?: GivenUp | undefined;
  /** Nothing of it is made. */
  readonly blocked?: StartTrouble | undefined;
  readonly startedAtMs: number;
  readonly nowMs: number;
}

/** The status that the API should show (Kubernetes docs, "Pod Lifecycle"). */
export function statusOf(inputs: StatusInputs): PodStatus {
  const { pod, givenUp, blocked, podIps, hostIps } = inputs;
  const why = givenUp ?? blocked;
  const old = pod.status ?? {};
  const all = containersOf(pod);
  const statuses = new Map(all.map((container) => [container, containerStatusOf(inputs, container)]));
  const of = (...roles: PodContainer["role"][]) =>
    all.filter(({ role }) => roles.includes(role)).map((c) => statuses.get(c)!);
  const phase: Phase = givenUp ? "Failed" : (keepFinal(old.phase) ?? phaseOf({ pod, statuses, ended: inputs.ended }));
  const conditions = conditionsOf({ ...inputs, phase, statuses });

  return {
    ...kept(old),
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...(why ? { reason: why.reason, message: why.message } : keepReason(old)),
    ...(hostIps.length > 0 && { hostIP: hostIps[0]!, hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(podIps.length > 0 && { podIP: podIps[0]!, podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: old.startTime ?? timeText(inputs.startedAtMs),
    ...(of("init", "sidecar").length > 0 && { initContainerStatuses: of("init", "sidecar") }),
    containerStatuses: of("app"),
    ...(of("ephemeral").length > 0 && { ephemeralContainerStatuses: of("ephemeral") }),
    qosClass: qosClassOf(pod),
  };
}

/** The status of a pod of which nothing was ever made. */
export function rejectedStatusOf(
  { pod, givenUp }: { pod: Pod; givenUp: StartTrouble | undefined },
  nowMs: number,
): PodStatus {
  const old = pod.status ?? {};
  return {
    ...kept(old),
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    phase: "Failed",
    ...(givenUp ? { reason: givenUp.reason, message: givenUp.message } : keepReason(old)),
    ...(old.conditions && { conditions: old.conditions }),
    startTime: old.startTime ?? timeText(nowMs),
    qosClass: qosClassOf(pod),
  };
}

/** What other parts of Kubernetes write into a pod's status. */
function kept({ nominatedNodeName, resourceClaimStatuses, resize }: PodStatus): PodStatus {
  return {
    ...(nominatedNodeName !== undefined && { nominatedNodeName }),
    ...(resourceClaimStatuses !== undefined && { resourceClaimStatuses }),
    ...(resize !== undefined && { resize }),
  };
}

/** A pod that has failed or succeeded stays so. */
function keepFinal(phase: string | undefined): Phase | undefined {
  return phase === "Failed" || phase === "Succeeded" ? phase : undefined;
}

function keepReason({ phase, reason, message }: PodStatus): PodStatus {
  if (!keepFinal(phase)) return {};
  return { ...(reason && { reason }), ...(message && { message }) };
}

export function containerStatusOf(inputs: StatusInputs, container: PodContainer): ContainerStatus {
  const { pod, containers, troubles, imageReferences } = inputs;
  const { spec, role } = container;
  const [last, ...earlier] = containers.filter(({ name }) => name === spec.name);
  const before = earlier.find(({ state }) => state === "exited");
  const states = statesOf(inputs, container, last, before, troubles.get(spec.name));
  const running = states.state.running !== undefined;
  const started = running && (spec.startupProbe ? inputs.findings.get(last!.id)?.startup === true : true);
  const reference = last && imageReferences.get(last.imageId);
  const given = inputs.allocation.get(spec.name) ?? spec.resources;
  const requests = given?.requests;
  return {
    name: spec.name,
    state: states.state,
    lastState: states.lastState,
    ready: isReady(inputs, container, last, started),
    restartCount: last?.attempt ?? (role === "app" ? attemptAfterVanished(pod, spec.name) : 0),
    image: last?.image ?? spec.image ?? "",
    imageID: reference ?? (last ? `docker://${last.imageId}` : ""),
    ...(last && { containerID: containerIdOf(last) }),
    started,
    ...(last && role !== "ephemeral" && requests && { allocatedResources: requests }),
    ...(last &&
      role !== "ephemeral" && { resources: appliedResources(pod, { name: spec.name, given, running: last }) }),
    ...(spec.volumeMounts?.length && { volumeMounts: spec.volumeMounts.map(mountStatusOf) }),
    ...(pod.spec.os?.name === "linux" && spec.lifecycle?.stopSignal && { stopSignal: spec.lifecycle.stopSignal }),
  };
}

export const containerIdOf = ({ id }: Container): string => `docker://${id}`;

function mountStatusOf({ name, mountPath, readOnly }: { name: string; mountPath: string; readOnly?: boolean }) {
  return { name, mountPath, ...(readOnly && { readOnly, recursiveReadOnly: "Disabled" }) };
}

interface States {
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

function statesOf(
  inputs: StatusInputs,
  container: PodContainer,
  last: Container | undefined,
  before: Container | undefined,
  trouble: StartTrouble | undefined,
): States {
  const lastState = before
    ? { terminated: terminatedOf(inputs, before) }
    : last
      ? {}
      : vanishedState(inputs, container);
  if (last?.state === "running") return { state: { running: { startedAt: timeText(last.startedAtMs) } }, lastState };
  const ended = last?.state === "exited" ? { terminated: terminatedOf(inputs, last) } : undefined;
  if (inputs.ended) {
    const never = hasBegun(inputs, container) ? lostState : { waiting: { reason: "PodInitializing" } };
    return { state: ended ?? never, lastState };
  }
  const restarts = !last || last.state === "created" || restartsAfter(inputs.pod, container, last.exitCode);
  if (trouble && restarts) return { state: { waiting: { ...trouble } }, lastState: ended ?? lastState };
  if (ended) return { state: ended, lastState };
  return { state: { waiting: { reason: waitingReason(inputs) } }, lastState };
}

/** Whether the pod had come so far that the container must have been begun: what comes after it waits for it. */
function hasBegun({ pod, containers }: StatusInputs, { role, spec }: PodContainer): boolean {
  const isKnown = (one: PodContainer): boolean => newest(containers, one.spec.name) !== undefined;
  const all = containersOf(pod);
  const inits = all.filter((one) => one.role === "init" || one.role === "sidecar");
  if (all.some((one) => one.role === "app" && isKnown(one))) return true;
  const own = inits.findIndex((one) => one.spec.name === spec.name);
  if (role === "init" || role === "sidecar") return inits.slice(own).some(isKnown);
  const last = inits.at(-1);
  if (!last) return true;
  const made = newest(containers, last.spec.name);
  return last.role === "sidecar" ? made !== undefined : made?.state === "exited" && made.exitCode === 0;
}

/** A container of a pod that ended before it ran, or whose remains are gone. */
const lostState: ContainerState = {
  terminated: {
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was terminated",
  },
};

/** What a container was that somebody removed behind the node's back, until its successor runs. */
function vanishedState({ pod }: StatusInputs, { spec, role }: PodContainer): ContainerState {
  const told = role === "app" ? toldOf(pod, spec.name) : undefined;
  return told?.containerID ? lostState : (told?.lastState ?? {});
}

/** The same for all containers of a pod, its init containers too. */
const waitingReason = ({ pod, blocked }: StatusInputs): string =>
  blocked ? "Blocked" : pod.spec.initContainers?.length ? "PodInitializing" : "ContainerCreating";

function terminatedOf({ lastWords }: StatusInputs, container: Container) {
  const { exitCode, startedAtMs, finishedAtMs } = container;
  const message = lastWords.get(container.id) || container.error;
  return {
    exitCode,
    reason: endReason(container),
    ...(message && { message }),
    startedAt: timeText(startedAtMs),
    finishedAt: timeText(finishedAtMs),
    containerID: containerIdOf(container),
  };
}

function endReason({ oomKilled, exitCode, error, startedAtMs }: Container): string {
  if (oomKilled) return "OOMKilled";
  if (error && startedAtMs === 0) return "ContainerCannotRun";
  return exitCode === 0 ? "Completed" : "Error";
}

function isReady(
  { findings }: StatusInputs,
  { role, spec }: PodContainer,
  last: Container | undefined,
  started: boolean,
): boolean {
  if (role === "init") return last?.state === "exited" && last.exitCode === 0;
  if (last?.state !== "running" || role === "ephemeral") return false;
  if (!started) return false;
  return spec.readinessProbe ? findings.get(last.id)?.readiness === true : true;
}
