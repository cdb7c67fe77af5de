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
  readonly tell: (container: PodContainer, type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** Once its hook has used the grace up, a container still gets this long. */
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
  tell,
}: StopRequest): Promise<void> {
  const { runtime, clock, log } = context;
  const { preStop } = container.spec.lifecycle ?? {};
  tell(container, "Normal", "Killing", message);
  let leftSeconds = graceSeconds;
  if (preStop && graceSeconds > 0) {
    const beganMs = clock.elapsed();
    const target = { runtime, container: container.spec, containerId: running.id, podIp };
    await withinGrace(runHook(target, preStop, graceSeconds * 1000), graceSeconds, context).catch((error: unknown) => {
      // What the hook said stays out of the Event: it may hold secrets of the container's.
      tell(container, "Warning", "FailedPreStopHook", "PreStopHook failed");
      log.debug("a preStop hook failed", { container: container.spec.name, error });
    });
    const tookSeconds = (clock.elapsed() - beganMs) / 1000;
    leftSeconds = Math.max(leastGraceSeconds, Math.ceil(graceSeconds - tookSeconds));
  }
  await runtime.stopContainer(running.id, leftSeconds);
}

function withinGrace(hook: Promise<void>, graceSeconds: number, { clock }: PodContext): Promise<void> {
  return new Promise((done, fail) => {
    const timer = clock.after(graceSeconds * 1000, () => done());
    void hook.then(done, fail).finally(() => timer[Symbol.dispose]());
  });
}
