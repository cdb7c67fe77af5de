import type { Pod } from "../../api/schema/types.ts";
import type { Container, Sandbox } from "../runtime.ts";
import { containersOf, newest, type PodContainer, restartsAfter } from "./containers.ts";
import { type CrashBackOff, waitLeftMs } from "./crash-back-off.ts";
import { type ContainerResize, resizesOf } from "./resize.ts";
import { annotation, specHash } from "./spec-hash.ts";
import { attemptAfterVanished } from "./vanished.ts";

/** What the probes have found out about a running container. Absent: nothing yet. */
export interface ProbeFindings {
  readonly startup?: boolean | undefined;
  readonly readiness?: boolean | undefined;
  readonly liveness?: boolean | undefined;
}

/** All that is known of a pod when its worker looks at it. */
export interface Observed {
  /** With the resources that it was given. */
  readonly pod: Pod;
  /** Newest first. */
  readonly sandboxes: readonly Sandbox[];
  /** Newest first. */
  readonly containers: readonly Container[];
  /** By container id. */
  readonly findings: ReadonlyMap<string, ProbeFindings>;
  /** By container name. */
  readonly backOffs: ReadonlyMap<string, CrashBackOff>;
  readonly nowMs: number;
}

export interface StartContainer {
  readonly container: PodContainer;
  readonly attempt: number;
  /** The one that ended before. */
  readonly previous: Container | undefined;
}

export interface KillContainer {
  readonly container: PodContainer;
  readonly running: Container;
  readonly message: string;
  /** The probe whose grace period counts, if a probe is why. */
  readonly because: "liveness" | "startup" | "definition" | "resize";
}

/** What should happen next. Steps are carried out in the order: sandbox, kill, start. */
export interface Decision {
  /** The attempt of the sandbox to make; what is left of earlier ones is removed first. */
  readonly makeSandbox: number | undefined;
  /** Nothing is to run any more: what still runs is ended and the sandbox stopped. */
  readonly finished: boolean;
  readonly kill: readonly KillContainer[];
  /** Running containers whose limits are to be changed. */
  readonly resize: readonly ContainerResize[];
  readonly start: readonly StartContainer[];
  /** Containers that would be started but have to wait. */
  readonly backingOff: readonly (StartContainer & { readonly delayMs: number })[];
  /** Look again then, if nothing happens before. */
  readonly againAfterMs: number | undefined;
}

const nothing: Decision = {
  makeSandbox: undefined,
  finished: false,
  kill: [],
  resize: [],
  start: [],
  backingOff: [],
  againAfterMs: undefined,
};

/** What to do for a pod that is meant to run. Its end is another matter: terminate.ts. */
export function decide(observed: Observed): Decision {
  const sandbox = observed.sandboxes[0];
  const ready = sandbox?.state === "ready";
  const here = ready ? observed.containers.filter(({ sandboxId }) => sandboxId === sandbox.id) : [];
  const world = new World(observed, here);
  if (world.isDone()) return { ...nothing, finished: true };
  if (!ready) return { ...nothing, makeSandbox: sandbox ? sandbox.attempt + 1 : 0 };

  const resizes = resizesOf(observed.pod, here);
  const restarting = resizes.filter(({ restarts }) => restarts).map(({ container: { spec } }) => spec.name);
  const kill = world.containers.flatMap((container) => world.killing(container, restarting) ?? []);
  const wanted = world.wanted().filter((container) => !kill.some((each) => each.container === container));
  const starts = wanted.map((container) => world.starting(container));
  const waits = starts.map((start) => ({ ...start, leftMs: world.waitMs(start), delayMs: world.delayMs(start) }));
  const backingOff = waits.filter(({ leftMs }) => leftMs > 0);
  return {
    ...nothing,
    kill,
    resize: resizes.filter(({ running }) => !kill.some((each) => each.running.id === running.id)),
    start: starts.filter((_, index) => waits[index]?.leftMs === 0),
    backingOff,
    againAfterMs: backingOff.length > 0 ? Math.min(...backingOff.map(({ leftMs }) => leftMs)) : undefined,
  };
}

class World {
  readonly containers: readonly PodContainer[];
  readonly #observed: Observed;
  /** Those in the sandbox of now; init containers run again in a new one. */
  readonly #here: readonly Container[];

  constructor(observed: Observed, here: readonly Container[]) {
    this.#observed = observed;
    this.#here = here;
    this.containers = containersOf(observed.pod);
  }

  /** Whether every container has run to its end and none is to run again. */
  isDone(): boolean {
    const { pod } = this.#observed;
    const apps = this.containers.filter(({ role }) => role === "app");
    const failedInit = this.containers.some(
      (container) => container.role === "init" && this.#hasFailedForGood(container),
    );
    const appsDone = apps.every((container) => {
      const last = newest(this.#observed.containers, container.spec.name);
      return last?.state === "exited" && !restartsAfter(pod, container, last.exitCode);
    });
    return failedInit || appsDone;
  }

  #hasFailedForGood(container: PodContainer): boolean {
    const last = newest(this.#observed.containers, container.spec.name);
    return (
      last?.state === "exited" && last.exitCode !== 0 && !restartsAfter(this.#observed.pod, container, last.exitCode)
    );
  }

  /** `restarting`: containers that must be restarted to get other resources. */
  killing(container: PodContainer, restarting: readonly string[]): KillContainer | undefined {
    const running = newest(this.#here, container.spec.name);
    if (running?.state !== "running" || container.role === "ephemeral") return undefined;
    const name = container.spec.name;
    const kill = { container, running };
    if (container.role !== "init" && running.annotations[annotation.hash] !== specHash(container.spec)) {
      return { ...kill, because: "definition", message: `Container ${name} definition changed, will be restarted` };
    }
    if (restarting.includes(name))
      return { ...kill, because: "resize", message: `Container ${name} resize requires restart` };
    const findings = this.#observed.findings.get(running.id);
    if (findings?.startup === false) {
      return { ...kill, because: "startup", message: `Container ${name} failed startup probe, will be restarted` };
    }
    if (findings?.liveness === false) {
      return { ...kill, because: "liveness", message: `Container ${name} failed liveness probe, will be restarted` };
    }
    return undefined;
  }

  /** The containers that should run now and do not. */
  wanted(): readonly PodContainer[] {
    const ephemeral = this.containers.filter(
      ({ role, spec }) => role === "ephemeral" && !newest(this.#here, spec.name),
    );
    const wanted: PodContainer[] = [...ephemeral];
    // Once an application container has been made, init containers have done their work, whatever is left of them.
    const initialized = this.containers.some(({ role, spec }) => role === "app" && newest(this.#here, spec.name));
    for (const container of this.containers.filter(({ role }) => role === "init" || role === "sidecar")) {
      const last = newest(this.#here, container.spec.name);
      if (container.role === "sidecar") {
        if (last?.state !== "running") wanted.push(container);
        if (!initialized && !this.#hasStarted(container, last)) return wanted;
        continue;
      }
      if (initialized || (last?.state === "exited" && last.exitCode === 0)) continue;
      if (last?.state !== "running") wanted.push(container);
      return wanted;
    }
    for (const container of this.containers.filter(({ role }) => role === "app")) {
      const last = newest(this.#here, container.spec.name);
      const any = last ?? newest(this.#observed.containers, container.spec.name);
      if (last?.state === "running") continue;
      if (any?.state === "exited" && !restartsAfter(this.#observed.pod, container, any.exitCode)) continue;
      wanted.push(container);
    }
    return wanted;
  }

  #hasStarted({ spec }: PodContainer, last: Container | undefined): boolean {
    if (last?.state !== "running") return false;
    return !spec.startupProbe || this.#observed.findings.get(last.id)?.startup === true;
  }

  starting(container: PodContainer): StartContainer {
    const previous = newest(this.#observed.containers, container.spec.name);
    return {
      container,
      attempt: this.#attempt(container, previous),
      previous: previous?.state === "exited" ? previous : undefined,
    };
  }

  #attempt({ spec, role }: PodContainer, previous: Container | undefined): number {
    if (previous) return previous.state === "created" ? previous.attempt : previous.attempt + 1;
    return role === "app" ? attemptAfterVanished(this.#observed.pod, spec.name) : 0;
  }

  waitMs({ container, previous }: StartContainer): number {
    if (!previous) return 0;
    const { backOffs, nowMs } = this.#observed;
    return waitLeftMs(backOffs.get(container.spec.name), previous.finishedAtMs, nowMs);
  }

  delayMs({ container }: StartContainer): number {
    return this.#observed.backOffs.get(container.spec.name)?.delayMs ?? 0;
  }
}
