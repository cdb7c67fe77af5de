import { keyOf, keyText } from "../../api/object.ts";
import { Backoff } from "../../base/backoff.ts";
import type { ImageError } from "../images/puller.ts";
import type { PodProbes } from "../probes/pod-probes.ts";
import type { Listing, Sandbox } from "../runtime.ts";
import { VolumeError } from "../volumes/volume-error.ts";
import type { MountedVolume } from "../volumes/volumes.ts";
import type { Alarm } from "./alarm.ts";
import type { PodContext } from "./context.ts";
import { type CrashBackOff, grown } from "./crash-back-off.ts";
import { type Decision, decide, type KillContainer } from "./decide.ts";
import { makeReady, namesOf, PodDirectoryError } from "./prepare.ts";
import type { PodResizing } from "./resizing.ts";
import { attachSandbox, makeSandbox } from "./sandbox.ts";
import { StartError, startContainer } from "./start.ts";
import type { PodState } from "./state.ts";

const retryMs = { firstMs: 500, maxMs: 30_000 };
/** A container whose configuration was wrong is tried again this often. */
const configRetryMs = 10_000;

export interface ActionParts {
  readonly context: PodContext;
  readonly state: PodState;
  readonly probes: PodProbes;
  readonly resizing: PodResizing;
  readonly alarm: Alarm;
  /** Looks at the pod again at once. */
  readonly wake: () => void;
  /** Aborted when the pod is to end. */
  readonly signal: AbortSignal;
}

/** Carries out what `decide` says for a pod that is meant to run. */
export class PodActions {
  readonly #parts: ActionParts;
  readonly #retry: Backoff;
  /** By container name. */
  readonly #backOffs = new Map<string, CrashBackOff>();
  /** When a container that could not be started is tried again, unless what it is made of changes before. */
  readonly #notBeforeMs = new Map<string, number>();
  #attachedTo: string | undefined;

  constructor(parts: ActionParts) {
    this.#parts = parts;
    this.#retry = new Backoff(retryMs, parts.context.clock);
  }

  /** What failed is tried again at the next look: what it was made of has changed. */
  forgetWaits(): void {
    this.#notBeforeMs.clear();
  }

  /** Brings the pod one step forward. Resolves with whether the pod has finished: nothing of it is to run any more. */
  async carryOut(listing: Listing): Promise<{ finished: boolean }> {
    try {
      const finished = await this.#act(listing);
      this.#retry.reset();
      return { finished };
    } catch (error) {
      this.#failed(error);
      return { finished: false };
    }
  }

  #failed(error: unknown): void {
    const { context, state, signal, wake } = this.#parts;
    if (signal.aborted) return;
    if (error instanceof VolumeError) state.tellPod("Warning", error.reason, error.message);
    if (error instanceof PodDirectoryError) state.tellPod("Warning", "FailedToMakePodDataDirectories", error.message);
    context.log.debug("a pod waits", { pod: keyText(keyOf(state.pod)), error });
    void this.#retry.wait(signal).then(wake);
  }

  async #act(listing: Listing): Promise<boolean> {
    const { context, state, probes, resizing, alarm, wake, signal } = this.#parts;
    if (state.blocked) return false;
    context.objects.follow(state.pod, () => {
      this.forgetWaits();
      wake();
    });
    const decision = decide({
      pod: state.given,
      ...listing,
      findings: probes.findings,
      backOffs: this.#backOffs,
      nowMs: context.clock.now(),
    });
    if (decision.finished) return true;

    const mounted = await makeReady(context, state.given, state.podIps, signal);
    const renewMs = context.tokens.renewInMs(state.uid);
    if (renewMs !== undefined) alarm.after(renewMs);

    const sandbox = await this.#sandbox(listing, decision, signal);
    if (!sandbox) {
      wake();
      return false;
    }
    for (const kill of decision.kill) await this.#kill(kill);
    await resizing.apply(decision.resize, { left: decision.kill.some(({ because }) => because === "resize") });
    this.#showWaits(decision);
    await this.#startAll(decision, { sandbox, mounted });
    if (decision.kill.length > 0) wake();
    if (!signal.aborted) await this.#removeOld(listing);
    if (decision.againAfterMs !== undefined) alarm.after(decision.againAfterMs);
    return false;
  }

  /** The sandbox when it is ready and connected; where that had first to be brought about, the pod is looked at anew. */
  async #sandbox(listing: Listing, decision: Decision, signal: AbortSignal): Promise<Sandbox | undefined> {
    const { context, state } = this.#parts;
    const [there] = listing.sandboxes;
    if (decision.makeSandbox === undefined && there && this.#attachedTo === there.id) return there;
    if (decision.makeSandbox !== undefined || !there) {
      const made = await makeSandbox({ context, state, listing }, decision.makeSandbox ?? 0, signal);
      this.#attachedTo = made.id;
    } else {
      await attachSandbox({ context, state, sandbox: there }, signal);
      this.#attachedTo = there.id;
    }
    await makeReady(context, state.pod, state.podIps, signal);
    return undefined;
  }

  async #kill({ container, running, message, because }: KillContainer): Promise<void> {
    const { state } = this.#parts;
    const { livenessProbe, startupProbe } = container.spec;
    const probe = { liveness: livenessProbe, startup: startupProbe, definition: undefined, resize: undefined }[because];
    const graceSeconds = probe?.terminationGracePeriodSeconds ?? state.pod.spec.terminationGracePeriodSeconds ?? 30;
    await state.stop(container, running, { graceSeconds, message });
  }

  #showWaits({ backingOff }: Decision): void {
    const { state, wake } = this.#parts;
    const { name, namespace } = state.pod.metadata;
    for (const { container, delayMs } of backingOff) {
      const of = container.spec.name;
      const message = `back-off ${goSeconds(delayMs)} restarting failed container=${of} pod=${name}_${namespace}(${state.uid})`;
      if (state.troubles.get(of)?.message === message) continue;
      state.troubles.set(of, { reason: "CrashLoopBackOff", message });
      const event = `Back-off restarting failed container ${of} in pod ${name}_${namespace}(${state.uid})`;
      state.tell(container, "Warning", "BackOff", event);
      wake();
    }
  }

  async #startAll(
    { start: starts }: Decision,
    where: { sandbox: Sandbox; mounted: ReadonlyMap<string, MountedVolume> },
  ): Promise<void> {
    const { context, alarm, signal } = this.#parts;
    for (const start of starts) {
      if (signal.aborted) return;
      const leftMs = (this.#notBeforeMs.get(start.container.spec.name) ?? 0) - context.clock.elapsed();
      if (leftMs > 0) alarm.after(leftMs);
      else if (!(await this.#start(start, where))) return;
    }
  }

  /** Resolves with whether the next containers may be started too. */
  async #start(
    { container, attempt, previous }: Decision["start"][number],
    { sandbox, mounted }: { sandbox: Sandbox; mounted: ReadonlyMap<string, MountedVolume> },
  ): Promise<boolean> {
    const { context, state, alarm, wake, signal } = this.#parts;
    const { clock } = context;
    const name = container.spec.name;
    try {
      if (previous) this.#backOffs.set(name, grown(this.#backOffs.get(name), previous.finishedAtMs, clock.now()));
      const names = namesOf(context, state.pod, state.podIps);
      await startContainer({ context, state, container, attempt, sandbox, mounted, names }, signal);
      state.troubles.delete(name);
      wake();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof StartError)) throw error;
      state.troubles.set(name, { reason: error.reason, message: error.message });
      const againAfterMs = (error.cause as Partial<ImageError> | undefined)?.againAfterMs ?? configRetryMs;
      // A container that was made and failed to run waits as one that crashed does.
      if (error.reason !== "RunContainerError") this.#notBeforeMs.set(name, clock.elapsed() + againAfterMs);
      alarm.after(againAfterMs);
      wake();
      // An image that is missing for one container does not keep the others from running.
      return container.role === "app";
    }
  }

  /** Keeps of every container the newest and the one before, whose logs `kubectl logs --previous` shows. */
  async #removeOld({ containers, sandboxes }: Listing): Promise<void> {
    const { runtime } = this.#parts.context;
    const byName = Map.groupBy(containers, ({ name }) => name);
    const old = [...byName.values()].flatMap((each) => each.slice(2)).filter(({ state }) => state !== "running");
    for (const { id } of old) await runtime.removeContainer(id);
    const used = new Set(containers.filter((container) => !old.includes(container)).map(({ sandboxId }) => sandboxId));
    for (const { id } of sandboxes.slice(1)) if (!used.has(id)) await runtime.removePodSandbox(id);
  }
}

/** Seconds as Go prints them: "10s", "2m40s", "5m0s". */
function goSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
