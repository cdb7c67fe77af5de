import type { Pod, Secret } from "../../api/schema/types.ts";
import { durationText } from "../../api/time.ts";
import type { Clock } from "../../base/clock.ts";
import type { PodContainer } from "../pod/containers.ts";
import type { ContainerRuntime, Image, RegistryCredentials } from "../runtime.ts";
import { isBuiltin } from "./builtin.ts";
import { credentialsFor } from "./credentials.ts";
import type { PullRecords } from "./pull-records.ts";
import { isReference } from "./reference.ts";

/** An image is not there; `reason` is what the container's status shows. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly reason: "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName";
  /** When it makes sense to ask again. */
  readonly againAfterMs: number | undefined;

  constructor(reason: ImageError["reason"], message: string, againAfterMs?: number) {
    super(message);
    this.reason = reason;
    this.againAfterMs = againAfterMs;
  }
}

export interface ImageRequest {
  readonly pod: Pod;
  readonly container: PodContainer;
  readonly secrets: readonly Secret[];
  readonly tell: (type: "Normal" | "Warning", reason: string, message: string) => void;
}

/** Sees to it that a container's image is there. */
export interface ImagePuller {
  /** @throws {ImageError} */
  ensure(request: ImageRequest, signal: AbortSignal): Promise<Image>;
  /** The name under which an image was pulled, with its digest, as a container's status shows it. */
  referenceOf(imageId: string): Promise<string>;
  /** Forgets the waits of a pod that is gone. */
  forget(podUid: string): void;
}

const firstWaitMs = 10_000;
const longestWaitMs = 300_000;
const referencesAtMost = 256;
/** How long the reason of a failed pull is shown before the wait is. */
const showErrorMs = 2_000;

interface Failure {
  readonly delayMs: number;
  readonly atMs: number;
  readonly message: string;
}

/** Pulls one image at a time, as the kubelet does by default: a device's link and card serve one well and several badly. */
export function openImagePuller({
  runtime,
  clock,
  records,
}: {
  runtime: ContainerRuntime;
  clock: Clock;
  records: PullRecords;
}): ImagePuller {
  const failures = new Map<string, Failure>();
  /** By image id. */
  const references = new Map<string, string>();
  let queue: Promise<unknown> = Promise.resolve();

  async function pull(
    { secrets, tell }: ImageRequest,
    image: string,
    key: string,
    signal: AbortSignal,
  ): Promise<Image> {
    tell("Normal", "Pulling", `Pulling image "${image}"`);
    const askedAtMs = clock.elapsed();
    const turn = queue.then(async () => {
      const beganMs = clock.elapsed();
      return { beganMs, used: await pullWith(credentialsFor(image, secrets), image, signal) };
    });
    queue = Promise.allSettled([turn]);
    try {
      const { beganMs, used } = await turn;
      const there = await runtime.imageStatus(image);
      if (!there) throw new Error(`image "${image}" is not there after its pull`);
      await records.note(there.id, image, used);
      const took = durationText(Math.round(clock.elapsed() - beganMs) * 1e6);
      const waited = durationText(Math.round(clock.elapsed() - askedAtMs) * 1e6);
      const size = `Image size: ${there.sizeBytes} bytes.`;
      tell(
        "Normal",
        "Pulled",
        `Successfully pulled image "${image}" in ${took} (${waited} including waiting). ${size}`,
      );
      failures.delete(key);
      return there;
    } catch (error) {
      if (signal.aborted) throw error;
      const message = (error as Error).message;
      const delayMs = Math.min((failures.get(key)?.delayMs ?? firstWaitMs / 2) * 2, longestWaitMs);
      failures.set(key, { delayMs, atMs: clock.elapsed(), message });
      tell("Warning", "Failed", `Failed to pull image "${image}": ${message}`);
      throw failed(tell, new ImageError("ErrImagePull", message, showErrorMs));
    }
  }

  /** Resolves with the credentials that opened it; none were asked for where there are none. */
  async function pullWith(
    credentials: ReturnType<typeof credentialsFor>,
    image: string,
    signal: AbortSignal,
  ): Promise<RegistryCredentials | undefined> {
    if (credentials.length === 0) {
      await runtime.pullImage(image, undefined, signal);
      return undefined;
    }
    const errors: unknown[] = [];
    for (const each of credentials) {
      try {
        await runtime.pullImage(image, each, signal);
        return each;
      } catch (error) {
        errors.push(error);
      }
    }
    throw errors[0];
  }

  return {
    async ensure(request, signal) {
      const { pod, container, tell } = request;
      const image = container.spec.image ?? "";
      const policy = container.spec.imagePullPolicy ?? "IfNotPresent";
      const key = `${pod.metadata.uid}/${image}`;
      if (!isReference(image)) {
        const why = `couldn't parse image name "${image}": invalid reference format`;
        tell("Warning", "InspectFailed", `Failed to apply default image tag "${image}": ${why}`);
        throw failed(tell, new ImageError("InvalidImageName", `Failed to apply default image tag "${image}": ${why}`));
      }
      const there = await runtime.imageStatus(image);
      // No registry has skiff's own images, though their tag "latest" makes Always the default.
      const isOpen =
        there && (isBuiltin(image) || records.allows(there, image, credentialsFor(image, request.secrets)));
      if (isOpen && (policy !== "Always" || isBuiltin(image))) {
        tell(
          "Normal",
          "Pulled",
          `Container image "${image}" already present on machine and can be accessed by the pod`,
        );
        return there;
      }
      if (policy === "Never") {
        const message = there
          ? `Container image "${image}" is present with pull policy of Never but does not have the proper credentials to access the image`
          : `Container image "${image}" is not present with pull policy of Never`;
        tell("Warning", "ErrImageNeverPull", message);
        throw failed(tell, new ImageError("ErrImageNeverPull", message));
      }
      const failure = failures.get(key);
      const leftMs = failure ? failure.atMs + failure.delayMs - clock.elapsed() : 0;
      if (failure && leftMs > 0) {
        tell("Normal", "BackOff", `Back-off pulling image "${image}"`);
        const message = `Back-off pulling image "${image}": ErrImagePull: ${failure.message}`;
        throw failed(tell, new ImageError("ImagePullBackOff", message, leftMs));
      }
      return pull(request, image, key, signal);
    },
    async referenceOf(imageId) {
      const known = references.get(imageId);
      if (known) return known;
      const digest = (await runtime.imageStatus(imageId))?.digests[0];
      const reference = digest ? `docker-pullable://${digest}` : `docker://${imageId}`;
      references.set(imageId, reference);
      const oldest = references.size > referencesAtMost ? references.keys().next().value : undefined;
      if (oldest !== undefined) references.delete(oldest);
      return reference;
    },
    forget(podUid) {
      for (const key of failures.keys()) if (key.startsWith(`${podUid}/`)) failures.delete(key);
    },
  };
}

function failed(tell: ImageRequest["tell"], error: ImageError): ImageError {
  tell("Warning", "Failed", `Error: ${error.reason}`);
  return error;
}
