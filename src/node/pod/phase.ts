import type { ContainerStatus, Pod } from "../../api/schema/types.ts";
import { type PodContainer, restartsAfter } from "./containers.ts";

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed";

/** Kubernetes docs, "Pod Lifecycle", section "Pod phase". `ended`: the containers have been stopped for good. */
export function phaseOf({
  pod,
  statuses,
  ended,
}: {
  pod: Pod;
  statuses: ReadonlyMap<PodContainer, ContainerStatus>;
  ended: boolean;
}): Phase {
  const runsAgain = ([container, { state }]: [PodContainer, ContainerStatus]): boolean =>
    state?.terminated !== undefined && restartsAfter(pod, container, state.terminated.exitCode);
  const of = (role: PodContainer["role"]) => [...statuses].filter(([c]) => c.role === role).map(([, status]) => status);
  const apps = of("app");
  const inits = of("init");
  const sidecars = of("sidecar");
  const hasRun = ({ state, lastState }: ContainerStatus) =>
    state?.running || state?.terminated || lastState?.terminated;

  const failedInits = [...statuses].filter(
    ([{ role }, { state }]) => role === "init" && (state?.terminated?.exitCode ?? 0) !== 0,
  );
  if (failedInits.some((each) => ended || !runsAgain(each))) return "Failed";
  const initPending =
    inits.some(({ ready }) => !ready) || sidecars.some((status) => !status.started && !hasRun(status));
  const running = apps.filter(({ state }) => state?.running).length;
  const terminated = apps.map(({ state, lastState }) =>
    state?.running ? undefined : (state?.terminated ?? lastState?.terminated),
  );
  const stopped = terminated.filter((end) => end !== undefined);
  const anyAppHasRun = running > 0 || stopped.length > 0;

  if (initPending && !anyAppHasRun && !ended) return "Pending";
  if (apps.some((status) => !hasRun(status))) return ended ? "Failed" : "Pending";
  if (running > 0) return "Running";
  const succeeded = stopped.every(({ exitCode }) => exitCode === 0);
  if (ended) return succeeded ? "Succeeded" : "Failed";
  if (apps.some(({ state }) => state?.waiting)) return "Running";
  if ([...statuses].some((each) => each[0].role === "app" && runsAgain(each))) return "Running";
  return succeeded ? "Succeeded" : "Failed";
}
