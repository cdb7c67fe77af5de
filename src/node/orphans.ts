import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { annotation } from "./pod/spec-hash.ts";
import type { ContainerRuntime } from "./runtime.ts";
import type { Volumes } from "./volumes/volumes.ts";

export interface OrphanParts {
  readonly runtime: Pick<ContainerRuntime, "list" | "stopContainer" | "removePodSandbox" | "removeContainer">;
  readonly volumes: Pick<Volumes, "podUids" | "tearDown">;
  readonly clock: Clock;
  readonly log: Log;
}

const retryMs = { firstMs: 500, maxMs: 122_000 };

const usualGraceSeconds = 30;

/**
 * Ends what runs of pods that the API has no more, and removes what is left of them: they were deleted while skiff was not running.
 * `isWanted` is asked anew each time: that takes as long as the longest grace period, and pods that come meanwhile have made
 * sandboxes and volumes by then. Volumes whose driver has not come yet, or hangs, are tried again until they are gone.
 */
export async function removeOrphans(
  { runtime, volumes, clock, log }: OrphanParts,
  isWanted: (podUid: string) => boolean,
  signal: AbortSignal,
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
  await Promise.all((await volumes.podUids()).map((podUid) => tearDown(podUid)));

  async function tearDown(podUid: string): Promise<void> {
    const backoff = new Backoff(retryMs, clock);
    while (!isWanted(podUid) && !signal.aborted) {
      try {
        return await volumes.tearDown(podUid);
      } catch (error) {
        log.info("volumes of a pod that was deleted meanwhile cannot be taken away yet", { uid: podUid, error });
        await backoff.wait(signal);
      }
    }
  }
}
