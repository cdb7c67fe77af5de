import type { Container } from "../runtime.ts";
import type { PodContainer } from "./containers.ts";
import type { PodContext } from "./context.ts";
import { runHook } from "./hooks.ts";

export interface StopRequest {
  readonly context: PodContext;
  readonly container: PodContainer;
  readonly running: Container;
  readonly graceSeconds: number;
  readonly message: string;
  readonly podIp: string;
  /** Resolves when it is this container's turn to end; it waits no longer than its grace lasts. */
  readonly turn?: Promise<unknown> | undefined;
  readonly tell: (container: PodContainer, type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** Once its hook or others have used the grace up, a container still gets this long. */
const leastGraceSeconds = 2;

/**
 * Ends a container: preStop hook, stop signal, and KILL when the grace period is over (Kubernetes docs, "Pod Lifecycle",
 * section "Termination of Pods").
 */
export async function stopContainer({
  context,
  container,
  running,
  graceSeconds,
  message,
  podIp,
  turn,
  tell,
}: StopRequest): Promise<void> {
  const { runtime, clock, log } = context;
  const { preStop } = container.spec.lifecycle ?? {};
  // A pod that is to end at once gives nobody more.
  const least = graceSeconds > 0 ? leastGraceSeconds : 0;
  tell(container, "Normal", "Killing", message);
  const beganMs = clock.elapsed();
  const usedSeconds = () => (clock.elapsed() - beganMs) / 1000;
  if (preStop && graceSeconds > 0) {
    const target = { runtime, container: container.spec, containerId: running.id, podIp };
    await withinGrace(runHook(target, preStop, graceSeconds * 1000), graceSeconds, context).catch((error: unknown) => {
      // What the hook said stays out of the Event: it may hold secrets of the container's.
      tell(container, "Warning", "FailedPreStopHook", "PreStopHook failed");
      log.debug("a preStop hook failed", { container: container.spec.name, error });
    });
  }
  if (turn) await withinGrace(turn, Math.max(0, graceSeconds - usedSeconds()), context);
  const leftSeconds = Math.ceil(graceSeconds - usedSeconds());
  await runtime.stopContainer(running.id, preStop || turn ? Math.max(least, leftSeconds) : graceSeconds);
}

function withinGrace(work: Promise<unknown>, graceSeconds: number, { clock }: PodContext): Promise<void> {
  return new Promise((done, fail) => {
    const timer = clock.after(graceSeconds * 1000, () => done());
    void work.then(() => done(), fail).finally(() => timer[Symbol.dispose]());
  });
}
