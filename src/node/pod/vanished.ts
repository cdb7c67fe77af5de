import type { ContainerStatus, Pod } from "../../api/schema/types.ts";

/** What the API was last told of a container of the pod. */
export function toldOf({ status }: Pod, name: string): ContainerStatus | undefined {
  return status?.containerStatuses?.find((told) => told.name === name);
}

/**
 * How many containers of this name there have been, when the runtime has none left. One that somebody removed counts: the
 * API was told its id. Where the id is gone too, its going has been counted already.
 */
export function attemptAfterVanished(pod: Pod, name: string): number {
  const told = toldOf(pod, name);
  if (!told) return 0;
  return told.containerID ? told.restartCount + 1 : told.restartCount;
}
