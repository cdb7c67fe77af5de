import { keyOf, keyText } from "../../api/object.ts";
import { isReason } from "../../api/status.ts";
import { messageOf } from "../../base/log.ts";
import { unlessAborted } from "../../base/unless-aborted.ts";
import { ImageError } from "../images/puller.ts";
import { type Sandbox, SandboxGone } from "../runtime.ts";
import type { MountedVolume } from "../volumes/volumes.ts";
import { containerSpecOf } from "./container-spec.ts";
import type { PodContainer } from "./containers.ts";
import type { PodContext, PodNames } from "./context.ts";
import { ContainerConfigError } from "./environment.ts";
import { runHook } from "./hooks.ts";
import { fillImageVolumes } from "./image-volumes.ts";
import type { PodState } from "./state.ts";

export interface StartRequest {
  readonly context: PodContext;
  readonly state: PodState;
  readonly container: PodContainer;
  readonly attempt: number;
  readonly sandbox: Sandbox;
  readonly mounted: ReadonlyMap<string, MountedVolume>;
  readonly names: PodNames;
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
  const { context, state, container, sandbox } = request;
  const { runtime, images, turns } = context;
  const { pod } = state;
  const secrets = await pullSecrets(request);
  const event = (type: "Normal" | "Warning", reason: string, message: string) =>
    state.tell(container, type, reason, message);
  const asked = { pod, container, secrets, tell: event };
  const image = await images.ensure(asked, signal).catch(asStartError);
  await fillImageVolumes(context, { ...asked, mounted: request.mounted }, signal).catch(asStartError);

  const spec = await orTrouble(
    "CreateContainerConfigError",
    ContainerConfigError,
    () => containerSpecOf({ ...request, pod: state.given, image }),
    event,
  );
  const id = await turns.start(async () => {
    const made = await orTrouble(
      "CreateContainerError",
      Error,
      () => runtime.createContainer(sandbox.id, spec, signal),
      event,
    );
    event("Normal", "Created", "Container created");
    signal.throwIfAborted();
    await orTrouble("RunContainerError", Error, () => runtime.startContainer(made), event);
    event("Normal", "Started", "Container started");
    return made;
  }, signal);
  await postStart(request, id, signal);
}

function asStartError(error: unknown): never {
  throw error instanceof ImageError ? new StartError(error.reason, error.message, error) : error;
}

/** A pull secret that is absent is not used; the registry may let everybody in. */
async function pullSecrets({ context, state }: StartRequest) {
  const { pod } = state;
  const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []);
  const found = await Promise.all(
    names.map((name) =>
      context.objects.secret(pod.metadata.namespace ?? "", name).catch((error: unknown) => {
        if (!isReason(error, "NotFound")) throw error;
        return undefined;
      }),
    ),
  );
  const missing = names.filter((_, at) => !found[at]).join(", ");
  if (missing)
    state.tellPod(
      "Warning",
      "FailedToRetrieveImagePullSecret",
      `Unable to retrieve some image pull secrets (${missing}); attempting to pull the image may not succeed.`,
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

async function postStart(
  { context, state, container, names }: StartRequest,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const hook = container.spec.lifecycle?.postStart;
  if (!hook) return;
  const { runtime, log } = context;
  const target = { runtime, container: container.spec, containerId: id, podIp: names.podIps[0] ?? "" };
  try {
    // A pod that is to end does not wait for its hook; the hook's command ends with its container.
    await unlessAborted(runHook(target, hook), signal);
  } catch (error) {
    if (signal.aborted) throw error;
    // What the hook said stays out of the Event: it may hold secrets of the container's.
    state.tell(container, "Warning", "FailedPostStartHook", "PostStartHook failed");
    log.debug("a postStart hook failed", { pod: keyText(keyOf(state.pod)), container: container.spec.name, error });
    const running = (await runtime.list(state.uid)).containers.find((each) => each.id === id);
    if (running?.state === "running")
      await state.stop(container, running, { graceSeconds: state.graceSeconds, message: "FailedPostStartHook" });
    throw new StartError("PostStartHookError", messageOf(error), error);
  }
}
