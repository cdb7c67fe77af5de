import { Readable } from "node:stream";
import type { ContainerRuntime } from "../runtime.ts";
import { imageArchive } from "./archive.ts";
import { type Binary, binary } from "./binaries.ts";
import { withTag } from "./reference.ts";

const version = "1";
export const pauseImage = `skiff/pause:${version}`;

interface BuiltinImage {
  readonly binary: Binary;
  readonly tags: readonly string[];
  readonly exposedPorts?: readonly string[];
}

const builtinImages: readonly BuiltinImage[] = [
  { binary: "pause", tags: [pauseImage] },
  { binary: "hello", tags: ["skiff/hello:latest", `skiff/hello:${version}`], exposedPorts: ["8080/tcp"] },
];

/** Whether an image is one that skiff brings along: never pulled, never removed to make room. */
export function isBuiltin(image: string): boolean {
  const reference = withTag(image.replace(/^docker\.io\//, ""));
  return builtinImages.some(({ tags }) => tags.includes(reference));
}

/** Loads the images that skiff brings along into the runtime where they are absent. */
export async function loadBuiltinImages(runtime: Pick<ContainerRuntime, "imageStatus" | "loadImage">): Promise<void> {
  for (const { binary: name, tags, exposedPorts = [] } of builtinImages) {
    const there = await Promise.all(tags.map((tag) => runtime.imageStatus(tag)));
    if (there.every(Boolean)) continue;
    const files = { [name]: await binary(name) };
    const archive = await imageArchive({
      tags,
      architecture: process.arch,
      files,
      entrypoint: [`/${name}`],
      exposedPorts,
    });
    await runtime.loadImage(Readable.from([archive]));
  }
}
