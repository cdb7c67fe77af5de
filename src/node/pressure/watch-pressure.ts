import { isLeaving } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Pod } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { type Thresholds, usualThresholds } from "../eviction-thresholds.ts";
import type { Pods } from "../pods.ts";
import type { ContainerRuntime } from "../runtime.ts";
import { collectUsage } from "../stats/collect.ts";
import type { Volumes } from "../volumes/volumes.ts";
import {
  evictionMessage,
  type PodUse,
  type PressureCondition,
  rankForEviction,
  type Shortage,
  shortagesIn,
} from "./decide.ts";
import { limitsWriting, overwritten, type Written } from "./local-storage.ts";
import { type Look, nextLookMs, soonestMs } from "./next-look.ts";
import { readSignals, type Signals } from "./signals.ts";

/** What kubelet calls eviction-hard and eviction-pressure-transition-period. */
export interface PressureSettings {
  readonly thresholds?: Thresholds | undefined;
  /** How long a condition stays after its cause has gone. */
  readonly staysMs?: number | undefined;
}

export interface PressureParts {
  readonly runtime: ContainerRuntime;
  readonly volumes: Volumes;
  readonly pods: Pods;
  readonly clock: Clock;
  readonly log: Log;
  /** Where pods write, and where the runtime keeps images. */
  readonly directory: string;
  readonly imageDirectory: string;
  readonly settings: PressureSettings;
  /** Removes what nobody uses; resolves when it is done. */
  readonly reclaimImages: () => Promise<void>;
  /** Called when a condition came or went. */
  readonly changed: () => void;
}

/** What of this machine runs out. The kernel has no event for it that costs less than a look at a few of its files. */
export interface Pressure extends Disposable {
  readonly conditions: ReadonlySet<PressureCondition>;
  /** Something happens to the pods: what was calm may be so no longer. */
  stir(): void;
}

/** How long kubelet lets a condition stay unless something else is said. */
const usualStayMs = 5 * 60 * 1000;

export function watchPressure(parts: PressureParts): Pressure {
  const { runtime, volumes, pods, clock, log, directory, imageDirectory, reclaimImages, changed } = parts;
  const { thresholds = usualThresholds, staysMs = usualStayMs } = parts.settings;
  const lastSeenMs = new Map<PressureCondition, number>();
  const conditions = new Set<PressureCondition>();
  let before: Look | undefined;
  let dueAtMs = clock.elapsed() + soonestMs;
  let timer: Disposable | undefined = clock.after(soonestMs, round);
  let stopped = false;

  function round(): void {
    timer = undefined;
    void look()
      .catch((error: unknown) => {
        log.warn("what is left on this machine could not be found out", { error });
        return soonestMs;
      })
      .then((nextMs) => {
        if (!stopped) rest(nextMs);
      });
  }

  function rest(ms: number): void {
    dueAtMs = clock.elapsed() + ms;
    timer = clock.after(ms, round);
  }

  /** Resolves with how long nothing needs to be looked at. */
  async function look(): Promise<number> {
    const limited = active().filter(limitsWriting);
    for (const pod of limited) await checkWriting(pod);
    const signals = await readSignals({ directory, imageDirectory });
    await relieve(signals);
    const atMs = clock.elapsed();
    const now: Look = { signals, atMs, afterMs: before ? atMs - before.atMs : soonestMs };
    const nextMs = nextLookMs(before, now, {
      thresholds,
      presses: conditions.size > 0,
      runs: active().length > 0,
      limitsWriting: limited.length > 0,
    });
    before = now;
    return nextMs;
  }

  async function relieve(signals: Signals): Promise<void> {
    let shortages = note(shortagesIn(signals, thresholds));
    if (shortages.some(({ condition }) => condition === "DiskPressure")) {
      await reclaimImages();
      shortages = note(shortagesIn(await readSignals({ directory, imageDirectory }), thresholds));
    }
    // One at a time: what it frees may be enough.
    for (const shortage of shortages) if (await evictOne(shortage)) return;
  }

  function note(shortages: readonly Shortage[]): readonly Shortage[] {
    const nowMs = clock.elapsed();
    const before = conditions.size;
    let came = false;
    for (const { condition } of shortages) {
      lastSeenMs.set(condition, nowMs);
      came ||= !conditions.has(condition);
      conditions.add(condition);
    }
    for (const [condition, seenMs] of lastSeenMs) if (nowMs - seenMs >= staysMs) conditions.delete(condition);
    if (came || conditions.size !== before) {
      log.info("what is left on this machine", { pressure: [...conditions].join(",") || "none" });
      changed();
    }
    return shortages;
  }

  const active = (): readonly Pod[] => pods.list().filter((pod) => !isLeaving(pod) && !hasEnded(pod));

  async function checkWriting(pod: Pod): Promise<void> {
    const why = overwritten(pod, await writtenBy(pod));
    if (why) pods.evict(pod.metadata.uid ?? "", why);
  }

  async function evictOne(shortage: Shortage): Promise<boolean> {
    const [first] = rankForEviction(shortage.resource, await usesOf(shortage));
    if (!first) return false;
    log.warn("evicting a pod to make room", { pod: `${first.pod.metadata.namespace}/${first.pod.metadata.name}` });
    pods.evict(first.pod.metadata.uid ?? "", evictionMessage(shortage, first));
    return true;
  }

  async function usesOf({ resource }: Shortage): Promise<readonly PodUse[]> {
    if (resource === "memory") {
      const usage = new Map((await collectUsage(runtime, clock.now())).map((each) => [each.uid, each]));
      return active().map((pod) => {
        const containers = (usage.get(pod.metadata.uid ?? "")?.containers ?? []).map(
          ({ name, workingSetBytes = 0 }) => ({
            name,
            used: workingSetBytes,
          }),
        );
        return { pod, containers, used: containers.reduce((sum, { used }) => sum + used, 0) };
      });
    }
    if (resource === "pids") return active().map((pod) => ({ pod, used: 0, containers: [] }));
    return Promise.all(
      active().map(async (pod) => {
        const { emptyDirs, containers } = await writtenBy(pod);
        const used = [...emptyDirs.values(), ...containers.values()].reduce((sum, each) => sum + each, 0);
        return { pod, used, containers: [...containers].map(([name, bytes]) => ({ name, used: bytes })) };
      }),
    );
  }

  async function writtenBy(pod: Pod): Promise<Written> {
    const uid = pod.metadata.uid ?? "";
    const { containers } = await runtime.list(uid);
    const sizes = await Promise.all(
      containers.map(async ({ id, name }) => [name, await runtime.writtenBytes(id)] as const),
    );
    const perContainer = new Map<string, number>();
    for (const [name, bytes] of sizes) perContainer.set(name, (perContainer.get(name) ?? 0) + bytes);
    return { emptyDirs: await volumes.emptyDirBytes(uid), containers: perContainer };
  }

  return {
    conditions,
    stir() {
      // A look that is under way sees it.
      if (!timer || dueAtMs - clock.elapsed() <= soonestMs) return;
      timer[Symbol.dispose]();
      rest(soonestMs);
    },
    [Symbol.dispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
    },
  };
}
