import { pod as podKind } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf, keyText } from "../../api/object.ts";
import { isReason } from "../../api/status.ts";
import { Backoff } from "../../base/backoff.ts";
import { ifThere } from "../../client/if-there.ts";
import type { Container, Listing } from "../runtime.ts";
import { containersOf, newest, type PodContainer } from "./containers.ts";
import type { PodContext } from "./context.ts";
import { podCgroup } from "./resources.ts";
import type { PodState } from "./state.ts";

const retryMs = { firstMs: 500, maxMs: 30_000 };

export interface EndParts {
  readonly context: PodContext;
  readonly state: PodState;
  /** Aborted when skiff stops: the pod's end waits for the next start. */
  readonly stopped: AbortSignal;
  /** Writes the pod's status. */
  readonly report: (listing: Listing) => Promise<void>;
  /** Looks at the pod again at once. */
  readonly wake: () => void;
}

/** The end of a pod: its containers are stopped, what was its own is removed, the API forgets it. */
export class PodEnd {
  readonly #parts: EndParts;
  readonly #retry: Backoff;
  #look: () => void = () => {};

  constructor(parts: EndParts) {
    this.#parts = parts;
    this.#retry = new Backoff(retryMs, parts.context.clock);
  }

  /** Something happened to the pod: one that has run to its end may be wanted no more. */
  look(): void {
    this.#look();
  }

  /** Resolves with whether the pod is gone; without, skiff stopped before. */
  async carryOut(): Promise<boolean> {
    const { context, state, stopped, wake } = this.#parts;
    await this.#persist(() => this.#stopAll(), "a pod could not be ended yet");
    if (stopped.aborted) return false;
    state.ended = true;
    state.end.resolve();
    context.allocations.release(state.uid);
    wake();
    await this.#untilUnwanted();
    await this.#persist(() => this.#cleanUp(), "a pod could not be cleaned up yet");
    return !stopped.aborted;
  }

  /** The user lost patience: what is already ending is given less time. */
  async hurry(graceSeconds: number): Promise<void> {
    const { runtime, log } = this.#parts.context;
    try {
      const running = (await runtime.list(this.#parts.state.uid)).containers.filter(({ state }) => state === "running");
      await Promise.all(running.map(({ id }) => runtime.stopContainer(id, graceSeconds)));
    } catch (error) {
      log.warn("containers could not be hurried", { error });
    }
  }

  async #persist(work: () => Promise<void>, sentence: string): Promise<void> {
    const { context, state, stopped } = this.#parts;
    while (!stopped.aborted) {
      try {
        return await work();
      } catch (error) {
        if (stopped.aborted) return;
        context.log.warn(sentence, { pod: keyText(keyOf(state.pod)), error });
        await this.#retry.wait(stopped);
      }
    }
  }

  async #stopAll(): Promise<void> {
    const { context, state } = this.#parts;
    const { runtime, network } = context;
    const { containers, sandboxes } = await runtime.list(state.uid);
    const { graceSeconds } = state;
    const running = runningOf(state, containers);
    const isSidecar = ({ container }: (typeof running)[number]) => container.role === "sidecar";
    const stops = running
      .filter((each) => !isSidecar(each))
      .map(({ container, last }) => state.stop(container, last, { graceSeconds }));
    // Sidecars serve the others to their end; they go in the opposite order of their start. Their hooks run at once.
    for (const { container, last } of running.filter(isSidecar).toReversed()) {
      const turn = Promise.allSettled(stops);
      stops.push(state.stop(container, last, { graceSeconds, turn }));
    }
    await Promise.all(stops);
    const known = new Set(running.map(({ last }) => last.id));
    for (const { id, state: is } of containers)
      if (is === "running" && !known.has(id)) await runtime.stopContainer(id, graceSeconds);
    for (const { id } of sandboxes) await runtime.stopPodSandbox(id);
    if (!state.pod.spec.hostNetwork) await network.detach(state.uid);
  }

  /** A pod that has run to its end stays, with its logs, until it is deleted. */
  async #untilUnwanted(): Promise<void> {
    const { state, stopped } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#look = () => {
      if (state.removed || isLeaving(state.pod) || stopped.aborted) resolve();
    };
    stopped.addEventListener("abort", this.#look);
    this.#look();
    await promise;
    stopped.removeEventListener("abort", this.#look);
  }

  async #cleanUp(): Promise<void> {
    const { context, state, report } = this.#parts;
    const { runtime, volumes, cgroups, turns } = context;
    // The API must show how the containers ended before the pod is deleted from it.
    await report(await runtime.list(state.uid));
    await turns.remove(async () => {
      for (const { id } of (await runtime.list(state.uid)).sandboxes) await runtime.removePodSandbox(id);
      for (const { id } of (await runtime.list(state.uid)).containers) await runtime.removeContainer(id);
      await cgroups.remove(podCgroup(state.pod));
    });
    // Not in the turn: a driver of storage may take minutes, and other pods are to be removed meanwhile.
    await volumes.tearDown(state.uid);
    if (!state.removed) await this.#deleteFromApi();
    context.objects.forget(state.uid);
    context.tokens.forget(state.uid);
    context.probeCounts.forget(state.uid);
    context.images.forget(state.uid);
  }

  async #deleteFromApi(): Promise<void> {
    const { context, state } = this.#parts;
    try {
      await context.client.delete(podKind, keyOf(state.pod), {
        gracePeriodSeconds: 0,
        preconditions: { uid: state.uid },
      });
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      // Another pod may have its name by now; if it is still this one, somebody wrote to it at the same time.
      if (isReason(error, "Conflict") && (await this.#isGoneFromApi())) return;
      throw error;
    }
  }

  async #isGoneFromApi(): Promise<boolean> {
    const { context, state } = this.#parts;
    return (await ifThere(context.client.get(podKind, keyOf(state.pod))))?.metadata.uid !== state.uid;
  }
}

function runningOf(
  { pod }: PodState,
  containers: readonly Container[],
): readonly { container: PodContainer; last: Container }[] {
  return containersOf(pod).flatMap((container) => {
    const last = newest(containers, container.spec.name);
    return last?.state === "running" ? [{ container, last }] : [];
  });
}
