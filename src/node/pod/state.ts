import { isLeaving } from "../../api/object.ts";
import type { ObjectReference, Pod } from "../../api/schema/types.ts";
import type { Container } from "../runtime.ts";
import type { PodContainer } from "./containers.ts";
import type { PodContext } from "./context.ts";
import { type Allocation, allocationBefore, type ResizeState, withAllocation } from "./resize.ts";
import type { GivenUp, StartTrouble } from "./status.ts";
import { stopContainer } from "./stop.ts";

/** What a worker knows of its pod beside what the runtime tells. The parts of the worker share it. */
export class PodState {
  /** By container name: why it could not be started. */
  readonly troubles = new Map<string, StartTrouble>();
  /** By image id: the reference under which it was pulled. */
  readonly imageReferences = new Map<string, string>();
  readonly firstSeenMs: number;
  podIps: readonly string[];
  /** The API has no such pod any more. */
  removed = false;
  /** Resolves when all containers have been stopped for good. */
  readonly end = Promise.withResolvers<void>();
  /** All containers have been stopped for good. */
  ended = false;
  /** The node gave the pod up, with phase Failed. */
  givenUp: GivenUp | undefined;
  /** The node goes down, or needs what the pod uses: it gets no more than this, whatever it asks for. */
  mostGraceSeconds = Number.POSITIVE_INFINITY;
  /** Why nothing of it is made, for as long as it stays. */
  blocked: StartTrouble | undefined;
  /** Nothing of it was ever made: this node does not run it. */
  rejected = false;
  /** What its containers may have; a resize that waits has not changed it. */
  allocation: Allocation;
  resize: ResizeState = {};
  readonly #context: PodContext;
  #pod: Pod;

  constructor(context: PodContext, pod: Pod) {
    this.#context = context;
    this.#pod = pod;
    this.podIps = pod.status?.podIPs?.flatMap(({ ip }) => ip ?? []) ?? [];
    this.firstSeenMs = context.clock.now();
    this.allocation = allocationBefore(pod);
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The pod with what it was given. */
  get given(): Pod {
    return withAllocation(this.#pod, this.allocation);
  }

  get uid(): string {
    return this.#pod.metadata.uid ?? "";
  }

  /** Keeps the newest of what was written and what the watch shows, which may come in any order. */
  take(pod: Pod): void {
    const revision = ({ metadata }: Pod) => Number(metadata.resourceVersion ?? 0);
    if (pod.metadata.uid === this.uid && revision(pod) >= revision(this.#pod)) this.#pod = pod;
  }

  /** What the server shows when it is asked: also when that is older, for its database may have been restored. */
  believe(pod: Pod): void {
    if (pod.metadata.uid === this.uid) this.#pod = pod;
  }

  /** Whether its containers are to be stopped for good. */
  get isToEnd(): boolean {
    const { phase } = this.#pod.status ?? {};
    return (
      this.removed || isLeaving(this.#pod) || this.givenUp !== undefined || phase === "Failed" || phase === "Succeeded"
    );
  }

  get graceSeconds(): number {
    const { deletionGracePeriodSeconds } = this.#pod.metadata;
    const grace = deletionGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30;
    return Math.min(grace, this.mostGraceSeconds);
  }

  /** Stops one container of the pod: hook, its turn, signal, KILL. */
  stop(
    container: PodContainer,
    running: Container,
    { graceSeconds, message, turn }: { graceSeconds: number; message?: string; turn?: Promise<unknown> },
  ): Promise<void> {
    return stopContainer({
      context: this.#context,
      container,
      running,
      graceSeconds,
      message: message ?? `Stopping container ${container.spec.name}`,
      podIp: this.podIps[0] ?? "",
      turn,
      tell: (...event) => this.tell(...event),
    });
  }

  /** Records an Event about a container. */
  tell(container: PodContainer, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#context.events.record({ ...this.#reference(), fieldPath: container.fieldPath }, type, reason, message);
  }

  /** Records an Event about the pod. */
  tellPod(type: "Normal" | "Warning", reason: string, message: string): void {
    this.#context.events.record(this.#reference(), type, reason, message);
  }

  #reference(): ObjectReference {
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
}
