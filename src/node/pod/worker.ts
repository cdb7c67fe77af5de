import { isDeepStrictEqual } from "node:util";
import { pod as podKind } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf, keyText } from "../../api/object.ts";
import type { Pod, PodStatus } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { timeFrom } from "../../api/time.ts";
import { Backoff, sleep } from "../../base/backoff.ts";
import { messageOf } from "../../base/log.ts";
import type { ImageError } from "../images/puller.ts";
import { openPodProbes, type PodProbes } from "../probes/pod-probes.ts";
import type { Container, Listing, Sandbox } from "../runtime.ts";
import { type MountedVolume, VolumeError } from "../volumes/volumes.ts";
import { containersOf, newest, type PodContainer } from "./containers.ts";
import type { PodContext } from "./context.ts";
import { type CrashBackOff, grown } from "./crash-back-off.ts";
import { type Decision, decide, type KillContainer, type ProbeFindings } from "./decide.ts";
import { LastWords } from "./last-words.ts";
import { cgroupLimitsOf, makeReady, namesOf, sandboxSpecOf } from "./prepare.ts";
import { podCgroup } from "./resources.ts";
import { StartError, startContainer } from "./start.ts";
import { containerIdOf, type StartTrouble, statusOf } from "./status.ts";
import { stopContainer } from "./stop.ts";

/** How soon a pod is looked at again after something failed that no event will report as mended. */
const retryMs = { firstMs: 500, maxMs: 30_000 };
/** A container whose configuration was wrong is tried again this often. */
const configRetryMs = 10_000;

/**
 * Makes one pod run as the API wants it, until it is gone. It observes, reports the status, decides and acts, whenever
 * something happens; what it must remember lies in the runtime and in the API, so that a new worker can go on from there.
 */
export class PodWorker implements AsyncDisposable {
  /** Resolves when the pod has ended, all that was its own is removed and the API knows. */
  readonly gone: Promise<void>;
  readonly #context: PodContext;
  readonly #probes: PodProbes;
  readonly #lastWords: LastWords;
  readonly #finish: () => void;
  readonly #stopped = new AbortController();
  /** Ends what is being carried out when the pod is to end. */
  readonly #acting = new AbortController();
  readonly #retry: Backoff;
  readonly #actionRetry: Backoff;
  readonly #backOffs = new Map<string, CrashBackOff>();
  readonly #troubles = new Map<string, StartTrouble>();
  /** When a container that could not be started is tried again, unless what it is made of changes before. */
  readonly #notBeforeMs = new Map<string, number>();
  readonly #imageReferences = new Map<string, string>();
  #pod: Pod;
  /** The API has no such pod any more. */
  #removed = false;
  #dirty = false;
  #looking: Promise<void> | undefined;
  #toReport: Listing | undefined;
  #reporting: Promise<void> | undefined;
  #action: Promise<void> | undefined;
  /** Something happened while an action was being carried out. */
  #missed = false;
  #ending: Promise<void> | undefined;
  /** Ends the wait of a finished pod for its deletion. */
  #unwanted: (() => void) | undefined;
  #ended = false;
  #givenUp: StartTrouble | undefined;
  #attachedTo: string | undefined;
  #podIps: readonly string[];
  #timer: Disposable | undefined;
  #dueMs = 0;
  readonly #firstSeenMs: number;

  constructor(context: PodContext, pod: Pod) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#finish = resolve;
    this.#context = context;
    this.#pod = pod;
    this.#podIps = pod.status?.podIPs?.flatMap(({ ip }) => ip ?? []) ?? [];
    this.#firstSeenMs = context.clock.now();
    this.#retry = new Backoff(retryMs, context.clock);
    this.#actionRetry = new Backoff(retryMs, context.clock);
    this.#lastWords = new LastWords(context.runtime);
    this.#probes = openPodProbes({
      runtime: context.runtime,
      clock: context.clock,
      changed: () => this.wake(),
      failed: (container, message) => this.#tell(container, "Warning", "Unhealthy", message),
    });
  }

  get uid(): string {
    return this.#pod.metadata.uid ?? "";
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The pod as the API now wants it. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#take(pod);
    if (before.metadata.generation !== this.#pod.metadata.generation) this.#notBeforeMs.clear();
    const grace = (each: Pod) => each.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY;
    // The user lost patience: what is already ending is given less time.
    if (this.#ending && grace(this.#pod) < grace(before)) void this.#hurry(grace(this.#pod));
    this.wake();
  }

  /** The API has the pod no more; its containers end. */
  remove(): void {
    this.#removed = true;
    this.wake();
  }

  /** Something may have happened: look again. */
  wake(): void {
    this.#dirty = true;
    this.#unwanted?.();
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
    this.#timer?.[Symbol.dispose]();
    this.#probes[Symbol.dispose]();
    await Promise.allSettled([this.#looking, this.#action, this.#reporting]);
  }

  async #look(): Promise<void> {
    while (this.#dirty && !this.#stopped.signal.aborted) {
      this.#dirty = false;
      try {
        await this.#step();
        this.#retry.reset();
      } catch (error) {
        this.#context.log.warn("a pod could not be brought forward", { pod: keyText(keyOf(this.#pod)), error });
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
    if (this.#isToEnd()) this.#ending ??= this.#end();
    this.#reportSoon(listing);
    if (this.#ending) return;
    if (this.#action) {
      this.#missed = true;
      return;
    }
    this.#action = this.#act(listing)
      .then(() => this.#actionRetry.reset())
      .catch((error: unknown) => this.#actionFailed(error))
      .finally(() => {
        this.#action = undefined;
        if (this.#missed) this.wake();
        this.#missed = false;
      });
  }

  #isToEnd(): boolean {
    const { phase } = this.#pod.status ?? {};
    return (
      this.#removed ||
      isLeaving(this.#pod) ||
      this.#givenUp !== undefined ||
      phase === "Failed" ||
      phase === "Succeeded"
    );
  }

  #checkDeadline(): void {
    const { activeDeadlineSeconds } = this.#pod.spec;
    const { startTime } = this.#pod.status ?? {};
    if (activeDeadlineSeconds === undefined || !startTime || this.#givenUp || this.#isToEnd()) return;
    const leftMs = timeFrom(startTime) + activeDeadlineSeconds * 1000 - this.#context.clock.now();
    if (leftMs > 0) {
      this.#lookAgain(leftMs);
      return;
    }
    const message = "Pod was active on the node longer than the specified deadline";
    this.#givenUp = { reason: "DeadlineExceeded", message };
    this.#tellPod("Normal", "DeadlineExceeded", message);
  }

  // ---- reporting

  /** Reports beside everything else: a server that cannot be reached keeps nothing from running. */
  #reportSoon(listing: Listing): void {
    this.#toReport = listing;
    this.#reporting ??= this.#reportAll().finally(() => {
      this.#reporting = undefined;
    });
  }

  async #reportAll(): Promise<void> {
    const backoff = new Backoff(retryMs, this.#context.clock);
    while (this.#toReport && !this.#stopped.signal.aborted) {
      const listing = this.#toReport;
      this.#toReport = undefined;
      try {
        await this.#report(listing);
      } catch (error) {
        this.#context.log.debug("a pod's status was not written yet", { pod: keyText(keyOf(this.#pod)), error });
        this.#toReport ??= listing;
        await backoff.wait(this.#stopped.signal);
      }
    }
  }

  async #report({ sandboxes, containers }: Listing): Promise<void> {
    if (this.#removed) return;
    // What is known of a pod that has run to its end stays known when its containers are gone.
    const { phase } = this.#pod.status ?? {};
    if ((phase === "Failed" || phase === "Succeeded") && sandboxes.length + containers.length === 0) return;
    const status = (): PodStatus =>
      statusOf({
        pod: this.#pod,
        containers,
        sandboxReady: sandboxes[0]?.state === "ready" && !this.#ended,
        podIps: this.#podIps,
        hostIps: this.#context.hostIps,
        findings: this.#probes.findings,
        troubles: this.#troubles,
        lastWords: this.#lastWords.byContainer,
        imageReferences: this.#imageReferences,
        ended: this.#ended,
        givenUp: this.#givenUp,
        startedAtMs: this.#firstSeenMs,
        nowMs: this.#context.clock.now(),
      });
    for (let attempt = 0; attempt < 5; attempt++) {
      const next = status();
      if (isDeepStrictEqual(withoutNulls(next), withoutNulls(this.#pod.status ?? {}))) return;
      try {
        return this.#take(await this.#context.client.updateStatus(podKind, { ...this.#pod, status: next }));
      } catch (error) {
        if (isReason(error, "NotFound")) return;
        if (!isReason(error, "Conflict")) throw error;
        // The other write may still be on its way to disk; what is read before is what was refused.
        await sleep(this.#context.clock, 5 * 2 ** attempt, this.#stopped.signal);
        if (!(await this.#refetch())) return;
      }
    }
    this.#dirty = true;
  }

  /** Somebody else changed the pod meanwhile. Resolves with whether it is still this one. */
  async #refetch(): Promise<boolean> {
    try {
      const fresh = await this.#context.client.get(podKind, keyOf(this.#pod));
      if (fresh.metadata.uid !== this.uid) return false;
      this.#take(fresh);
      return true;
    } catch (error) {
      if (isReason(error, "NotFound")) return false;
      throw error;
    }
  }

  /** Keeps the newest of what was written and what the watch shows, which may come in any order. */
  #take(pod: Pod): void {
    const revision = ({ metadata }: Pod) => Number(metadata.resourceVersion ?? 0);
    if (pod.metadata.uid === this.uid && revision(pod) >= revision(this.#pod)) this.#pod = pod;
  }

  async #learnImages(containers: readonly Container[]): Promise<void> {
    for (const { imageId } of containers) {
      if (this.#imageReferences.has(imageId)) continue;
      const image = await this.#context.runtime.imageStatus(imageId);
      const digest = image?.digests[0];
      this.#imageReferences.set(imageId, digest ? `docker-pullable://${digest}` : `docker://${imageId}`);
    }
  }

  #keepProbing({ containers }: Listing): void {
    if (this.#ended || this.#podIps.length === 0) return;
    const probed = containersOf(this.#pod).flatMap((container) => {
      const running = newest(containers, container.spec.name);
      return running?.state === "running" ? [{ container, running, before: this.#foundBefore(running) }] : [];
    });
    this.#probes.keep(probed, this.#podIps[0] ?? "");
  }

  /** What an earlier run of skiff had found out and the API still shows: a restart makes nobody unready. */
  #foundBefore(running: Container): ProbeFindings {
    const { containerStatuses = [], initContainerStatuses = [] } = this.#pod.status ?? {};
    const shown = [...containerStatuses, ...initContainerStatuses].find(
      ({ containerID }) => containerID === containerIdOf(running),
    );
    return { ...(shown?.started && { startup: true }), ...(shown?.ready && { readiness: true }) };
  }

  // ---- acting

  async #act(listing: Listing): Promise<void> {
    const { clock, objects } = this.#context;
    const signal = this.#acting.signal;
    objects.follow(this.#pod, () => {
      this.#notBeforeMs.clear();
      this.wake();
    });
    const decision = decide({
      pod: this.#pod,
      ...listing,
      findings: this.#probes.findings,
      backOffs: this.#backOffs,
      nowMs: clock.now(),
    });
    if (decision.finished) {
      // What still runs of a pod that has done its work, its sidecars and what holds its namespaces, ends too.
      this.#ending ??= this.#end();
      return;
    }

    const mounted = await makeReady(this.#context, this.#pod, this.#podIps);
    const renewMs = this.#context.tokens.renewInMs(this.uid);
    if (renewMs !== undefined) this.#lookAgain(renewMs);

    if (decision.makeSandbox !== undefined) {
      await this.#makeSandbox(listing, decision.makeSandbox, signal);
      return this.wake();
    }
    const sandbox = listing.sandboxes[0]!;
    if (this.#attachedTo !== sandbox.id) {
      await this.#attach(sandbox, signal);
      return this.wake();
    }
    for (const kill of decision.kill) await this.#kill(kill);
    this.#showWaits(decision);
    for (const start of decision.start) {
      if (signal.aborted) return;
      const leftMs = (this.#notBeforeMs.get(start.container.spec.name) ?? 0) - clock.now();
      if (leftMs > 0) {
        this.#lookAgain(leftMs);
        continue;
      }
      if (!(await this.#start(start, { sandbox, mounted }, signal))) break;
    }
    if (decision.kill.length > 0) this.wake();
    await this.#removeOld(listing);
    if (decision.againAfterMs !== undefined) this.#lookAgain(decision.againAfterMs);
  }

  #actionFailed(error: unknown): void {
    const { signal } = this.#acting;
    if (signal.aborted) return;
    if (error instanceof VolumeError) this.#tellPod("Warning", "FailedMount", error.message);
    this.#context.log.debug("a pod waits", { pod: keyText(keyOf(this.#pod)), error });
    void this.#actionRetry.wait(signal).then(() => this.wake());
  }

  async #makeSandbox(listing: Listing, attempt: number, signal: AbortSignal): Promise<void> {
    const { runtime, network, cgroups } = this.#context;
    if (attempt > 0) {
      this.#tellPod("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
      for (const container of listing.containers)
        if (container.state === "running") await runtime.stopContainer(container.id, 2);
      for (const { id } of listing.sandboxes) await runtime.stopPodSandbox(id);
      await network.detach(this.uid);
    }
    const spec = sandboxSpecOf(this.#context, this.#pod, attempt);
    try {
      await cgroups.prepare(spec.cgroupParent, cgroupLimitsOf(this.#pod));
      const sandbox = await runtime.runPodSandbox(spec, signal);
      await this.#attach(sandbox, signal);
    } catch (error) {
      if (!signal.aborted)
        this.#tellPod("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${messageOf(error)}`);
      throw error;
    }
  }

  async #attach(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
    const { network, hostIps } = this.#context;
    const { namespace = "", name } = this.#pod.metadata;
    this.#podIps = this.#pod.spec.hostNetwork
      ? hostIps
      : (await network.attach({ uid: this.uid, namespace, name, pid: sandbox.pid }, signal)).ips;
    this.#attachedTo = sandbox.id;
    await makeReady(this.#context, this.#pod, this.#podIps);
  }

  async #kill({ container, running, message, because }: KillContainer): Promise<void> {
    const probe =
      because === "liveness"
        ? container.spec.livenessProbe
        : because === "startup"
          ? container.spec.startupProbe
          : undefined;
    const graceSeconds = probe?.terminationGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30;
    await this.#stop(container, running, { graceSeconds, message });
  }

  #stop(
    container: PodContainer,
    running: Container,
    { graceSeconds, message }: { graceSeconds: number; message?: string },
  ): Promise<void> {
    return stopContainer({
      context: this.#context,
      pod: this.#pod,
      container,
      running,
      graceSeconds,
      message: message ?? `Stopping container ${container.spec.name}`,
      podIp: this.#podIps[0] ?? "",
      tell: (...event) => this.#tell(...event),
    });
  }

  #showWaits({ backingOff }: Decision): void {
    const { name, namespace } = this.#pod.metadata;
    for (const { container, delayMs } of backingOff) {
      const of = container.spec.name;
      const text = goSeconds(delayMs);
      const before = this.#troubles.get(of);
      const message = `back-off ${text} restarting failed container=${of} pod=${name}_${namespace}(${this.uid})`;
      if (before?.message === message) continue;
      this.#troubles.set(of, { reason: "CrashLoopBackOff", message });
      const event = `Back-off restarting failed container ${of} in pod ${name}_${namespace}(${this.uid})`;
      this.#tell(container, "Warning", "BackOff", event);
      this.#dirty = true;
    }
    if (this.#dirty) this.wake();
  }

  /** Resolves with whether the container was started; the next ones wait for it. */
  async #start(
    { container, attempt, previous }: Decision["start"][number],
    { sandbox, mounted }: { sandbox: Sandbox; mounted: ReadonlyMap<string, MountedVolume> },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock } = this.#context;
    const name = container.spec.name;
    const names = namesOf(this.#context, this.#pod, this.#podIps);
    try {
      if (previous) this.#backOffs.set(name, grown(this.#backOffs.get(name), previous.finishedAtMs, clock.now()));
      await startContainer(
        {
          context: this.#context,
          pod: this.#pod,
          container,
          attempt,
          sandbox,
          mounted,
          names,
          tell: (...event) => this.#tell(...event),
          stop: (running) => this.#stop(container, running, { graceSeconds: this.#graceSeconds() }),
        },
        signal,
      );
      this.#troubles.delete(name);
      this.wake();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!(error instanceof StartError)) throw error;
      this.#troubles.set(name, { reason: error.reason, message: error.message });
      const againAfterMs = (error.cause as Partial<ImageError> | undefined)?.againAfterMs ?? configRetryMs;
      // A container that was made and failed to run waits as one that crashed does.
      if (error.reason !== "RunContainerError") this.#notBeforeMs.set(name, clock.now() + againAfterMs);
      this.#lookAgain(againAfterMs);
      this.wake();
      // An image that is missing for one container does not keep the others from running.
      return container.role === "app";
    }
  }

  /** Keeps of every container the newest and the one before, whose logs `kubectl logs --previous` shows. */
  async #removeOld({ containers, sandboxes }: Listing): Promise<void> {
    const { runtime } = this.#context;
    const byName = Map.groupBy(containers, ({ name }) => name);
    const old = [...byName.values()].flatMap((each) => each.slice(2)).filter(({ state }) => state !== "running");
    for (const { id } of old) await runtime.removeContainer(id);
    const used = new Set(containers.filter((container) => !old.includes(container)).map(({ sandboxId }) => sandboxId));
    for (const { id } of sandboxes.slice(1)) if (!used.has(id)) await runtime.removePodSandbox(id);
  }

  // ---- ending

  async #end(): Promise<void> {
    this.#acting.abort();
    this.#probes[Symbol.dispose]();
    await this.#action?.catch(() => undefined);
    for (;;) {
      try {
        await this.#stopAll();
        break;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        this.#context.log.warn("a pod could not be ended yet", { pod: keyText(keyOf(this.#pod)), error });
        await this.#retry.wait(this.#stopped.signal);
      }
    }
    this.#ended = true;
    this.wake();
    await this.#untilUnwanted();
    await this.#cleanUp();
  }

  async #stopAll(): Promise<void> {
    const { runtime, network } = this.#context;
    const { containers, sandboxes } = await runtime.list(this.uid);
    const graceSeconds = this.#graceSeconds();
    const running = containersOf(this.#pod).flatMap((container) => {
      const last = newest(containers, container.spec.name);
      return last?.state === "running" ? [{ container, last }] : [];
    });
    const beganMs = this.#context.clock.now();
    await Promise.all(
      running
        .filter(({ container }) => container.role !== "sidecar")
        .map(({ container, last }) => this.#stop(container, last, { graceSeconds })),
    );
    // Sidecars serve the others to their end; they go in the opposite order of their start.
    for (const { container, last } of running.filter(({ container: { role } }) => role === "sidecar").toReversed()) {
      const usedSeconds = (this.#context.clock.now() - beganMs) / 1000;
      await this.#stop(container, last, { graceSeconds: Math.max(2, Math.ceil(graceSeconds - usedSeconds)) });
    }
    const known = new Set(running.map(({ last }) => last.id));
    for (const { id, state } of containers)
      if (state === "running" && !known.has(id)) await runtime.stopContainer(id, graceSeconds);
    for (const { id } of sandboxes) await runtime.stopPodSandbox(id);
    if (!this.#pod.spec.hostNetwork) await network.detach(this.uid);
  }

  async #hurry(graceSeconds: number): Promise<void> {
    const { runtime, log } = this.#context;
    const { containers } = await runtime.list(this.uid);
    await Promise.all(
      containers.filter(({ state }) => state === "running").map(({ id }) => runtime.stopContainer(id, graceSeconds)),
    ).catch((error: unknown) => log.warn("containers could not be hurried", { error }));
  }

  /** A pod that has run to its end stays, with its logs, until it is deleted. */
  async #untilUnwanted(): Promise<void> {
    while (!this.#removed && !isLeaving(this.#pod) && !this.#stopped.signal.aborted) {
      await new Promise<void>((done) => {
        this.#unwanted = done;
        this.#stopped.signal.addEventListener("abort", () => done(), { once: true });
      });
    }
  }

  async #cleanUp(): Promise<void> {
    const { runtime, volumes, objects, tokens, images, cgroups, client, log } = this.#context;
    while (!this.#stopped.signal.aborted) {
      try {
        // The API must show how the containers ended before the pod is deleted from it.
        await this.#report(await runtime.list(this.uid));
        for (const { id } of (await runtime.list(this.uid)).sandboxes) await runtime.removePodSandbox(id);
        for (const { id } of (await runtime.list(this.uid)).containers) await runtime.removeContainer(id);
        await volumes.tearDown(this.uid);
        await cgroups.remove(podCgroup(this.#pod));
        if (!this.#removed)
          await client.delete(podKind, keyOf(this.#pod), { gracePeriodSeconds: 0, preconditions: { uid: this.uid } });
        break;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        if (isReason(error, "NotFound") || isReason(error, "Conflict")) break;
        log.warn("a pod could not be cleaned up yet", { pod: keyText(keyOf(this.#pod)), error });
        await this.#retry.wait(this.#stopped.signal);
      }
    }
    if (this.#stopped.signal.aborted) return;
    objects.forget(this.uid);
    tokens.forget(this.uid);
    images.forget(this.uid);
    this.#finish();
  }

  #graceSeconds(): number {
    const { deletionGracePeriodSeconds } = this.#pod.metadata;
    return deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30;
  }

  // ---- telling and waiting

  #tell(container: PodContainer, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#context.events.record({ ...this.#reference(), fieldPath: container.fieldPath }, type, reason, message);
  }

  #tellPod(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#context.events.record(this.#reference(), type, reason, message);
  }

  #reference() {
    const { name, namespace, uid, resourceVersion } = this.#pod.metadata;
    return {
      kind: "Pod",
      apiVersion: "v1",
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(resourceVersion && { resourceVersion }),
    };
  }

  #lookAgain(afterMs: number): void {
    const { clock } = this.#context;
    const dueMs = clock.now() + afterMs;
    if (this.#timer && this.#dueMs <= dueMs && this.#dueMs > clock.now()) return;
    this.#timer?.[Symbol.dispose]();
    this.#dueMs = dueMs;
    this.#timer = clock.after(afterMs, () => {
      this.#timer = undefined;
      this.wake();
    });
  }
}

function withoutNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, each: unknown) => (each === null ? undefined : each)));
}

/** Seconds as Go prints them: "10s", "2m40s", "5m0s". */
function goSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
