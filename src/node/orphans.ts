import type { Log } from "../base/log.ts";
import { annotation } from "./pod/spec-hash.ts";
import type { ContainerRuntime } from "./runtime.ts";
import type { Volumes } from "./volumes/volumes.ts";

export interface OrphanParts {
  readonly runtime: Pick<ContainerRuntime, "list" | "stopContainer" | "removePodSandbox" | "removeContainer">;
  readonly volumes: Pick<Volumes, "podUids" | "tearDown">;
  readonly log: Log;
}

const usualGraceSeconds = 30;

/**
 * Ends what runs of pods that the API has no more, and removes what is left of them: they were deleted while skiff was not running.
 * `isWanted` is asked anew each time: that takes as long as the longest grace period, and pods that come meanwhile have made
 * sandboxes and volumes by then.
 */
export async function removeOrphans(
  { runtime, volumes, log }: OrphanParts,
  isWanted: (podUid: string) => boolean,
): Promise<void> {
  const { sandboxes, containers } = await runtime.list();
  const running = containers.filter(({ podUid, state }) => state === "running" && !isWanted(podUid));
  await Promise.all(
    running.map(({ id, annotations }) =>
      runtime.stopContainer(id, Number(annotations[annotation.gracePeriod] ?? usualGraceSeconds)),
    ),
  );
  for (const { id, podUid, namespace, name } of sandboxes) {
    if (isWanted(podUid)) continue;
    log.info("removing a pod that was deleted meanwhile", { pod: `${namespace}/${name}` });
    await runtime.removePodSandbox(id);
  }
  for (const { id, podUid } of containers) if (!isWanted(podUid)) await runtime.removeContainer(id);
  for (const uid of await volumes.podUids()) if (!isWanted(uid)) await volumes.tearDown(uid);
}
