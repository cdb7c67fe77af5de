import type { Pod } from "../../api/schema/types.ts";
import { messageOf } from "../../base/log.ts";
import { ImageError } from "../images/puller.ts";
import { type Container, type Sandbox, SandboxGone } from "../runtime.ts";
import type { MountedVolume } from "../volumes/volumes.ts";
import { containerSpecOf } from "./container-spec.ts";
import type { PodContainer } from "./containers.ts";
import type { PodContext, PodNames } from "./context.ts";
import { ContainerConfigError } from "./environment.ts";
import { runHook } from "./hooks.ts";

export interface StartRequest {
  readonly context: PodContext;
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly attempt: number;
  readonly sandbox: Sandbox;
  readonly mounted: ReadonlyMap<string, MountedVolume>;
  readonly names: PodNames;
  readonly tell: (container: PodContainer, type: "Normal" | "Warning", reason: string, message: string) => void;
  readonly stop: (running: Container) => Promise<void>;
}

/** A container did not start; the reason and the message are what its status shows. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: string;
  constructor(reason: string, message: string, cause: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** Brings a container to run: image, creation, start, postStart hook. @throws {StartError} */
export async function startContainer(request: StartRequest, signal: AbortSignal): Promise<void> {
  const { context, pod, container, sandbox, tell } = request;
  const { runtime, images } = context;
  const secrets = await pullSecrets(request);
  const event = (type: "Normal" | "Warning", reason: string, message: string) => tell(container, type, reason, message);
  const image = await images.ensure({ pod, container, secrets, tell: event }, signal).catch((error: unknown) => {
    throw error instanceof ImageError ? new StartError(error.reason, error.message, error) : error;
  });

  const spec = await orTrouble(
    "CreateContainerConfigError",
    ContainerConfigError,
    () => containerSpecOf({ ...request, image }),
    event,
  );
  const id = await orTrouble(
    "CreateContainerError",
    Error,
    () => runtime.createContainer(sandbox.id, spec, signal),
    event,
  );
  event("Normal", "Created", "Container created");
  if (signal.aborted) return;
  await orTrouble("RunContainerError", Error, () => runtime.startContainer(id), event);
  event("Normal", "Started", "Container started");
  await postStart(request, id);
}

async function pullSecrets({ context, pod }: StartRequest) {
  const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []);
  const found = await Promise.all(
    names.map((name) => context.objects.secret(pod.metadata.namespace ?? "", name).catch(() => undefined)),
  );
  return found.filter((secret) => secret !== undefined);
}

async function orTrouble<T>(
  reason: string,
  known: new (...args: never[]) => Error,
  work: () => Promise<T>,
  event: (type: "Warning", reason: string, message: string) => void,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof known) || error instanceof SandboxGone || error.name === "AbortError") throw error;
    event("Warning", "Failed", `Error: ${error.message}`);
    throw new StartError(reason, error.message, error);
  }
}

async function postStart({ context, pod, container, names, tell, stop }: StartRequest, id: string): Promise<void> {
  const hook = container.spec.lifecycle?.postStart;
  if (!hook) return;
  const { runtime } = context;
  try {
    await runHook({ runtime, container: container.spec, containerId: id, podIp: names.podIps[0] ?? "" }, hook);
  } catch (error) {
    const message = `PostStartHook failed: ${messageOf(error)}`;
    tell(container, "Warning", "FailedPostStartHook", message);
    const running = (await runtime.list(pod.metadata.uid ?? "")).containers.find((each) => each.id === id);
    if (running?.state === "running") await stop(running);
    throw new StartError("PostStartHookError", message, error);
  }
}
