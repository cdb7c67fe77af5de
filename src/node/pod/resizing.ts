import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../../base/log.ts";
import type { CgroupLimits } from "../cgroups.ts";
import type { ContainerId } from "../runtime.ts";
import type { Alarm } from "./alarm.ts";
import type { PodContext } from "./context.ts";
import { type ContainerResize, resizeSummary, wantedAllocation } from "./resize.ts";
import { cgroupLimitsOf, limitsOf, podCgroup } from "./resources.ts";
import type { PodState } from "./state.ts";

/** A change that the kernel refused, such as a memory limit below what is used, is tried again this often. */
const retryMs = 30_000;

export interface ResizingParts {
  readonly context: PodContext;
  readonly state: PodState;
  readonly alarm: Alarm;
  readonly wake: () => void;
}

/** Gives a running pod the resources that it asks for, where the node has them, and changes its containers. */
export class PodResizing {
  readonly #parts: ResizingParts;
  /** What was last tried with a container: a machine that lacks a controller never shows it as done. */
  readonly #tried = new Map<ContainerId, { readonly limits: string; readonly againAtMs: number }>();
  /** The limits that the pod's cgroup has. */
  #cgroup: CgroupLimits;

  constructor(parts: ResizingParts) {
    this.#parts = parts;
    const { context, state } = parts;
    this.#cgroup = cgroupLimitsOf(state.given);
    const begun = state.pod.status?.conditions?.find(({ type }) => type === "PodResizeInProgress");
    if (begun) state.resize = { inProgress: { generation: begun.observedGeneration ?? 0 } };
    if (!state.isToEnd) context.allocations.hold(state.uid, state.given.spec);
  }

  /** Decides about what the pod asks for now. */
  judge(): void {
    const { context, state, wake } = this.#parts;
    const { allocations } = context;
    const { pod } = state;
    const { generation = 0 } = pod.metadata;
    const wanted = wantedAllocation(pod);
    if (isDeepStrictEqual(wanted, state.allocation)) {
      if (state.resize.pending) state.resize = { inProgress: state.resize.inProgress };
      return;
    }
    const refusal = allocations.refusal(state.uid, pod.spec);
    if (!refusal) {
      state.allocation = wanted;
      allocations.hold(state.uid, pod.spec);
      this.#tried.clear();
      state.resize = { inProgress: { generation } };
      state.tellPod("Normal", "ResizeStarted", `Pod resize started: ${resizeSummary(pod)}`);
      return;
    }
    const { reason, message } = refusal;
    if (reason === "Deferred") allocations.whenRoom(state.uid, wake);
    const pending = { ...refusal, generation };
    if (isDeepStrictEqual(pending, state.resize.pending)) return;
    state.resize = { ...state.resize, pending };
    state.tellPod("Warning", `Resize${reason}`, `Pod resize ${reason}: ${resizeSummary(pod, message)}`);
  }

  /** Changes the containers that do not have yet what they were given. `left`: others that wait for their restart. */
  async apply(resizes: readonly ContainerResize[], { left }: { left: boolean }): Promise<void> {
    const { context, state, alarm, wake } = this.#parts;
    const nowMs = context.clock.elapsed();
    const due = resizes.filter(({ container, running }) => {
      const tried = this.#tried.get(running.id);
      return tried?.limits !== limitsText(state.pod, container.spec.resources) || tried.againAtMs <= nowMs;
    });
    const wanted = cgroupLimitsOf(state.given);
    if (due.length > 0 || !isDeepStrictEqual(wanted, this.#cgroup)) {
      const error = await this.#change(due, wanted);
      if (error !== undefined) {
        this.#fail(error);
        alarm.after(retryMs);
        wake();
        return;
      }
    }
    if (!state.resize.inProgress || left || (state.resize.inProgress.error && resizes.length > due.length)) return;
    state.resize = { pending: state.resize.pending };
    state.tellPod("Normal", "ResizeCompleted", `Pod resize completed: ${resizeSummary(state.given)}`);
    wake();
  }

  /** The pod's cgroup must never allow less than its containers': it grows first and shrinks last. Resolves with what failed. */
  async #change(due: readonly ContainerResize[], wanted: CgroupLimits): Promise<unknown> {
    const { context, state } = this.#parts;
    const { runtime, cgroups, clock } = context;
    const path = podCgroup(state.pod);
    await cgroups.prepare(path, larger(wanted, this.#cgroup));
    let failed: unknown;
    for (const { container, running } of due) {
      const limits = limitsText(state.pod, container.spec.resources);
      try {
        await runtime.updateContainer(running.id, limitsOf(state.pod, container.spec.resources));
        this.#tried.set(running.id, { limits, againAtMs: Number.POSITIVE_INFINITY });
      } catch (error) {
        failed = error;
        this.#tried.set(running.id, { limits, againAtMs: clock.elapsed() + retryMs });
      }
    }
    if (failed !== undefined) return failed;
    await cgroups.prepare(path, wanted);
    this.#cgroup = wanted;
    return undefined;
  }

  #fail(failed: unknown): void {
    const { state } = this.#parts;
    const error = messageOf(failed);
    const { generation = 0 } = state.pod.metadata;
    if (state.resize.inProgress?.error === error) return;
    state.resize = { ...state.resize, inProgress: { generation, error } };
    state.tellPod("Warning", "ResizeError", `Pod resize error: ${resizeSummary(state.given, error)}`);
  }
}

const limitsText = (...of: Parameters<typeof limitsOf>): string => JSON.stringify(limitsOf(...of));

/** What allows both; a limit that one of them lacks is none. */
function larger(a: CgroupLimits, b: CgroupLimits): CgroupLimits {
  const most = (x: number | undefined, y: number | undefined) => (x && y ? Math.max(x, y) : undefined);
  return {
    cpuShares: Math.max(a.cpuShares, b.cpuShares),
    cpuQuotaUs: most(a.cpuQuotaUs, b.cpuQuotaUs),
    cpuPeriodUs: a.cpuPeriodUs ?? b.cpuPeriodUs,
    memoryLimitBytes: most(a.memoryLimitBytes, b.memoryLimitBytes),
  };
}
