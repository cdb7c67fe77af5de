import { mkdir, rename, rm, stat } from "node:fs/promises";
import type { Volume } from "../../api/schema/types.ts";
import { ifAbsent } from "../../base/files.ts";
import type { ImageRequest } from "../images/puller.ts";
import type { MountedVolume } from "../volumes/volumes.ts";
import type { PodContext } from "./context.ts";

/**
 * Fills the volumes that a container mounts from images (Kubernetes docs, "Use an Image Volume With a Pod"). Once filled they
 * stay as they are for the pod's life. @throws {ImageError}
 */
export async function fillImageVolumes(
  { runtime, images }: PodContext,
  { pod, container, secrets, tell, mounted }: ImageRequest & { readonly mounted: ReadonlyMap<string, MountedVolume> },
  signal: AbortSignal,
): Promise<void> {
  const mounts = new Set((container.spec.volumeMounts ?? []).map(({ name }) => name));
  for (const { name, image } of (pod.spec.volumes ?? []).filter((volume) => mounts.has(volume.name))) {
    const directory = mounted.get(name)?.hostPath;
    if (!image?.reference || !directory) continue;
    if (await stat(directory).catch(ifAbsent)) continue;
    await images.ensure({ pod, container: standIn(container, image), secrets, tell }, signal);
    // What was left half done is not mounted.
    const part = `${directory}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true, mode: 0o755 });
    await runtime.unpackImage(image.reference, part, signal);
    await rename(part, directory);
  }
}

/** The container as if it ran the volume's image: pulls are asked for and told about in its name. */
function standIn(
  container: ImageRequest["container"],
  { reference, pullPolicy }: NonNullable<Volume["image"]>,
): ImageRequest["container"] {
  const { imagePullPolicy: _, ...spec } = container.spec;
  return {
    ...container,
    spec: { ...spec, image: reference ?? "", ...(pullPolicy && { imagePullPolicy: pullPolicy }) },
  };
}
