import { keyOf, keyText } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import { timeFrom } from "../../api/time.ts";
import { Backoff } from "../../base/backoff.ts";
import { openPodProbes, type PodProbes } from "../probes/pod-probes.ts";
import type { Container, Listing } from "../runtime.ts";
import { PodActions } from "./actions.ts";
import { blockOf, type Rejection, rejectionOf } from "./admission.ts";
import { Alarm } from "./alarm.ts";
import { containersOf, newest } from "./containers.ts";
import type { PodContext } from "./context.ts";
import { isCritical } from "./critical.ts";
import type { ProbeFindings } from "./decide.ts";
import { PodEnd } from "./end.ts";
import { LastWords } from "./last-words.ts";
import { noVictims, preempted, victimsFor } from "./preemption.ts";
import { StatusReports } from "./report.ts";
import { PodResizing } from "./resizing.ts";
import { PodState } from "./state.ts";
import { containerIdOf } from "./status.ts";

/** How soon a pod is looked at again after something failed that no event will report as mended. */
const retryMs = { firstMs: 500, maxMs: 30_000 };

const evictionGraceSeconds = 1;

/** kubelet's words (Kubernetes docs, "Node Shutdowns"). */
const nodeShutdown = {
  reason: "Terminated",
  message: "Pod was terminated in response to imminent node shutdown.",
  disruption: "TerminationByKubelet",
} as const;

/** The other pods of the node, as far as one needs to know of them. */
export interface Neighbours {
  /** Those that are not ending. */
  list(): readonly Pod[];
  /** Ends one for a critical pod's sake; resolves when it has ended. */
  preempt(podUid: string): Promise<void>;
}

/**
 * Makes one pod run as the API wants it, until it is gone. It observes, reports the status, decides and acts, whenever
 * something happens; what it must remember lies in the runtime and in the API, so that a new worker can go on from there.
 */
export class PodWorker implements AsyncDisposable {
  /** Resolves when the pod has ended, all that was its own is removed and the API knows. */
  readonly gone: Promise<void>;
  readonly #context: PodContext;
  readonly #state: PodState;
  readonly #probes: PodProbes;
  readonly #lastWords: LastWords;
  readonly #alarm: Alarm;
  readonly #reports: StatusReports;
  readonly #resizing: PodResizing;
  readonly #actions: PodActions;
  readonly #end: PodEnd;
  readonly #finish: () => void;
  readonly #stopped = new AbortController();
  /** Ends what is being carried out when the pod is to end. */
  readonly #acting = new AbortController();
  readonly #retry: Backoff;
  #dirty = false;
  #looking: Promise<void> | undefined;
  #action: Promise<void> | undefined;
  /** Something happened while an action was being carried out. */
  #missed = false;
  #ending: Promise<void> | undefined;
  /** Others are ending so that this pod may begin. */
  #makingRoom: Promise<void> | undefined;

  constructor(context: PodContext, pod: Pod, neighbours: Neighbours) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#finish = resolve;
    this.#context = context;
    this.#retry = new Backoff(retryMs, context.clock);
    const state = new PodState(context, pod);
    const wake = () => this.wake();
    const stopped = this.#stopped.signal;
    this.#state = state;
    this.#lastWords = new LastWords(context);
    this.#alarm = new Alarm(context.clock, wake);
    this.#probes = openPodProbes({
      runtime: context.runtime,
      clock: context.clock,
      changed: wake,
      failed: (container, message) => state.tell(container, "Warning", "Unhealthy", message),
      warned: (container, message) => state.tell(container, "Warning", "ProbeWarning", message),
      counted: ({ spec }, sort, result) => {
        const { namespace = "", name } = state.pod.metadata;
        const probed = { podUid: state.uid, namespace, pod: name, container: spec.name, sort };
        context.probeCounts.count(probed, result);
      },
    });
    const { findings } = this.#probes;
    const lastWords = this.#lastWords.byContainer;
    this.#reports = new StatusReports({ context, state, findings, lastWords, stopped, again: wake });
    const signal = this.#acting.signal;
    const alarm = this.#alarm;
    this.#admit(neighbours);
    this.#resizing = new PodResizing({ context, state, alarm, wake });
    this.#actions = new PodActions({
      context,
      state,
      probes: this.#probes,
      resizing: this.#resizing,
      alarm,
      wake,
      signal,
    });
    this.#end = new PodEnd({ context, state, stopped, report: (listing) => this.#reports.write(listing), wake });
  }

  #admit(neighbours: Neighbours): void {
    const state = this.#state;
    const rejection = rejectionOf(state.pod, this.#context);
    if (state.isToEnd) return;
    state.blocked = blockOf(state.pod, this.#context);
    if (!rejection) return;
    const { shortages } = rejection;
    const victims = shortages && isCritical(state.pod) && victimsFor(state.pod, neighbours.list(), shortages);
    if (victims) this.#makeRoom(neighbours, victims);
    else this.#reject(shortages && isCritical(state.pod) ? noVictims(shortages) : rejection);
  }

  #makeRoom({ preempt }: Neighbours, victims: readonly Pod[]): void {
    const names = victims.map((victim) => keyText(keyOf(victim))).join(",");
    this.#context.log.info("pods end for a critical one", { pod: keyText(keyOf(this.pod)), ending: names });
    this.#makingRoom = Promise.all(victims.map(({ metadata }) => preempt(metadata.uid ?? ""))).then(() => {
      this.#makingRoom = undefined;
      this.wake();
    });
  }

  #reject({ reason, message }: Rejection): void {
    const state = this.#state;
    state.rejected = true;
    state.givenUp = { reason, message: `Pod was rejected: ${message}` };
    state.tellPod("Warning", reason, message);
  }

  get uid(): string {
    return this.#state.uid;
  }

  get isToEnd(): boolean {
    return this.#state.isToEnd;
  }

  get pod(): Pod {
    return this.#state.pod;
  }

  /** The pod as the API now wants it. */
  update(pod: Pod): void {
    const before = this.pod;
    this.#state.take(pod);
    if (before.metadata.generation !== this.pod.metadata.generation) this.#actions.forgetWaits();
    const grace = (each: Pod) => each.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY;
    if (this.#ending && grace(this.pod) < grace(before)) void this.#end.hurry(grace(this.pod));
    this.wake();
  }

  /** Ends the pod for good because the node goes down; resolves when its containers have ended and the API knows. */
  async shutDown(mostGraceSeconds: number): Promise<void> {
    const { phase } = this.pod.status ?? {};
    if (phase !== "Failed" && phase !== "Succeeded") this.#state.givenUp ??= nodeShutdown;
    this.#state.mostGraceSeconds = mostGraceSeconds;
    this.wake();
    await this.#state.end.promise;
    await this.#looking;
    await this.#reports.settled();
  }

  /** The node needs what the pod uses: it ends at once, as failed. */
  evict(message: string): void {
    const state = this.#state;
    if (state.isToEnd) return;
    state.givenUp = { reason: "Evicted", message, disruption: "TerminationByKubelet" };
    state.mostGraceSeconds = evictionGraceSeconds;
    state.tellPod("Warning", "Evicted", message);
    this.wake();
  }

  /** A critical pod needs its room. Resolves when its containers have ended. */
  async preempt(): Promise<void> {
    const state = this.#state;
    if (!state.isToEnd) {
      state.givenUp = preempted;
      state.tellPod("Warning", preempted.reason, preempted.message);
      this.wake();
    }
    await state.end.promise;
  }

  /** The API has the pod no more; its containers end. */
  remove(): void {
    this.#state.removed = true;
    // The scheduler counts its room as free from now on.
    this.#context.allocations.release(this.uid);
    this.wake();
  }

  /** Something may have happened: look again. */
  wake(): void {
    this.#dirty = true;
    this.#end.look();
    if (this.#stopped.signal.aborted) return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      if (this.#dirty) this.wake();
    });
  }

  /** Stops looking after the pod; its containers run on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#acting.abort();
    this.#alarm[Symbol.dispose]();
    this.#probes[Symbol.dispose]();
    await Promise.allSettled([this.#looking, this.#action, this.#reports.settled()]);
  }

  async #look(): Promise<void> {
    while (this.#dirty && !this.#stopped.signal.aborted) {
      this.#dirty = false;
      try {
        await this.#step();
        this.#retry.reset();
      } catch (error) {
        this.#context.log.warn("a pod could not be brought forward", { pod: keyText(keyOf(this.pod)), error });
        await this.#retry.wait(this.#stopped.signal);
        this.#dirty = true;
      }
    }
  }

  async #step(): Promise<void> {
    const listing = await this.#context.runtime.list(this.uid);
    await this.#lastWords.read(listing.containers);
    await this.#learnImages(listing.containers);
    this.#keepProbing(listing);
    this.#checkDeadline();
    if (this.#state.isToEnd) this.#beginEnd();
    else this.#resizing.judge();
    this.#reports.soon(listing);
    if (this.#ending || this.#makingRoom) return;
    if (this.#action) {
      this.#missed = true;
      return;
    }
    this.#action = this.#act(listing).finally(() => {
      this.#action = undefined;
      if (this.#missed) this.wake();
      this.#missed = false;
    });
  }

  async #act(listing: Listing): Promise<void> {
    const { finished } = await this.#actions.carryOut(listing);
    // What still runs of a pod that has done its work, its sidecars and what holds its namespaces, ends too.
    if (finished) this.#beginEnd();
  }

  #beginEnd(): void {
    this.#ending ??= this.#carryOutEnd();
  }

  async #carryOutEnd(): Promise<void> {
    this.#acting.abort();
    this.#probes.onlyReadiness();
    await this.#action;
    if (!(await this.#end.carryOut())) return;
    this.#probes[Symbol.dispose]();
    this.#finish();
  }

  #checkDeadline(): void {
    const { activeDeadlineSeconds } = this.pod.spec;
    const { startTime } = this.pod.status ?? {};
    if (activeDeadlineSeconds === undefined || !startTime || this.#state.isToEnd) return;
    const leftMs = timeFrom(startTime) + activeDeadlineSeconds * 1000 - this.#context.clock.now();
    if (leftMs > 0) {
      this.#alarm.after(leftMs);
      return;
    }
    const message = "Pod was active on the node longer than the specified deadline";
    this.#state.givenUp = { reason: "DeadlineExceeded", message };
    this.#state.tellPod("Normal", "DeadlineExceeded", message);
  }

  async #learnImages(containers: readonly Container[]): Promise<void> {
    const { imageReferences } = this.#state;
    for (const { imageId } of containers) {
      if (imageReferences.has(imageId)) continue;
      imageReferences.set(imageId, await this.#context.images.referenceOf(imageId));
    }
  }

  #keepProbing({ containers }: Listing): void {
    const { ended, podIps, pod } = this.#state;
    if (ended || podIps.length === 0) return;
    const probed = containersOf(pod).flatMap((container) => {
      const running = newest(containers, container.spec.name);
      return running?.state === "running" ? [{ container, running, before: this.#foundBefore(running) }] : [];
    });
    this.#probes.keep(probed, podIps[0] ?? "");
  }

  /** What an earlier run of skiff had found out and the API still shows: a restart makes nobody unready. */
  #foundBefore(running: Container): ProbeFindings {
    const { containerStatuses = [], initContainerStatuses = [] } = this.pod.status ?? {};
    const shown = [...containerStatuses, ...initContainerStatuses].find(
      ({ containerID }) => containerID === containerIdOf(running),
    );
    return { ...(shown?.started && { startup: true }), ...(shown?.ready && { readiness: true }) };
  }
}
