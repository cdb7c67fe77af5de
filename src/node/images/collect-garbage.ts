import { statfs } from "node:fs/promises";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { ContainerRuntime, Image } from "../runtime.ts";
import { isBuiltin } from "./builtin.ts";

/** kubelet's defaults: above the first share of a full disk images are removed until the second is reached. */
const highShare = 0.85;
const lowShare = 0.8;
const everyMs = 5 * 60 * 1000;

export interface ImageCollector extends Disposable {
  /** Looks now; what is unused goes when the disk is fuller than it should be. */
  collect(): Promise<void>;
}

/** Removes images that nothing uses when the disk that holds them fills up. `directory`: where the runtime keeps them. */
export function collectImages({
  runtime,
  clock,
  log,
  directory,
}: {
  runtime: ContainerRuntime;
  clock: Clock;
  log: Log;
  directory: string;
}): ImageCollector {
  let timer = clock.after(everyMs, round);

  function round(): void {
    void collect().catch((error: unknown) => log.warn("unused images were not removed", { error }));
    timer = clock.after(everyMs, round);
  }

  async function collect(): Promise<void> {
    const { blocks, bavail, bsize } = await statfs(directory);
    const usedBytes = (blocks - bavail) * bsize;
    if (usedBytes < blocks * bsize * highShare) return;
    const [images, { containers }] = await Promise.all([runtime.listImages(), runtime.list()]);
    const used = new Set(containers.map(({ imageId }) => imageId));
    for (const image of imagesToRemove(images, { used, bytesToFree: usedBytes - blocks * bsize * lowShare })) {
      log.info("removing an unused image to make room", { image: image.tags[0] ?? image.id });
      for (const name of image.tags.length > 0 ? image.tags : [image.id]) await runtime.removeImage(name);
    }
  }

  return { collect, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/** The fewest images that free so many bytes: unused ones that can be pulled again, the largest first. */
export function imagesToRemove(
  images: readonly Image[],
  { used, bytesToFree }: { used: ReadonlySet<string>; bytesToFree: number },
): readonly Image[] {
  const candidates = images
    .filter(({ id, tags, digests }) => !used.has(id) && !tags.some(isBuiltin) && digests.length > 0)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  const removed: Image[] = [];
  let freedBytes = 0;
  for (const image of candidates) {
    if (freedBytes >= bytesToFree) break;
    removed.push(image);
    freedBytes += image.sizeBytes;
  }
  return removed;
}
