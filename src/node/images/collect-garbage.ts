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
  let collecting: Promise<void> | undefined;

  function round(): void {
    void collect().catch((error: unknown) => log.warn("unused images were not removed", { error }));
    timer = clock.after(everyMs, round);
  }

  /** Whoever asks while it is under way waits for its end. */
  function collect(): Promise<void> {
    collecting ??= collectNow().finally(() => {
      collecting = undefined;
    });
    return collecting;
  }

  async function collectNow(): Promise<void> {
    const { blocks, bavail, bsize } = await statfs(directory);
    const usedBytes = (blocks - bavail) * bsize;
    if (usedBytes < blocks * bsize * highShare) return;
    const [images, { containers }] = await Promise.all([runtime.listImages(), runtime.list()]);
    const used = new Set(containers.map(({ imageId }) => imageId));
    await makeRoom(images, { used, bytesToFree: usedBytes - blocks * bsize * lowShare, remove });
  }

  async function remove({ id, tags }: Image): Promise<boolean> {
    const image = tags[0] ?? id;
    try {
      for (const name of tags.length > 0 ? tags : [id]) await runtime.removeImage(name);
      log.info("removed an unused image to make room", { image });
      return true;
    } catch (error) {
      // A container that is not skiff's may be made of it.
      log.info("an image that no pod uses could not be removed", { image, error });
      return false;
    }
  }

  return { collect, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/**
 * Removes the fewest images that free so many bytes: unused ones that can be pulled again, the largest first. `remove` resolves
 * with whether it went; for one that did not the next goes.
 */
export async function makeRoom(
  images: readonly Image[],
  {
    used,
    bytesToFree,
    remove,
  }: { used: ReadonlySet<string>; bytesToFree: number; remove: (image: Image) => Promise<boolean> },
): Promise<void> {
  const candidates = images
    .filter(({ id, tags, digests }) => !used.has(id) && !tags.some(isBuiltin) && digests.length > 0)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  let freedBytes = 0;
  for (const image of candidates) {
    if (freedBytes >= bytesToFree) return;
    if (await remove(image)) freedBytes += image.sizeBytes;
  }
}
