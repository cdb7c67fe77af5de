import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../../api/schema/types.ts";
import type { Clock } from "../../base/clock.ts";
import { ifAbsent } from "../../base/files.ts";
import type { Log } from "../../base/log.ts";
import { watchDirectory } from "../../base/watch-directory.ts";
import { NotAPod, staticPodFrom } from "./read.ts";

export interface StaticPodOptions {
  readonly directory: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The pods that files of a directory of this machine describe. They run whether a server can be reached or not. */
export interface StaticPods extends Disposable {
  /** Calls `take` with all of them, now and whenever they become others. */
  follow(take: (pods: readonly Pod[]) => void): void;
}

/** An editor writes a file in several steps; it is read when it has been quiet for so long. */
const quietMs = 100;

export async function openStaticPods({ directory, nodeName, clock, log }: StaticPodOptions): Promise<StaticPods> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const told = new Map<string, string>();
  let take: ((pods: readonly Pod[]) => void) | undefined;
  let working: Promise<void> = Promise.resolve();

  async function read(): Promise<readonly Pod[]> {
    const names = ((await readdir(directory).catch(ifAbsent)) ?? []).filter((name) =>
      /^[^.].*\.(ya?ml|json)$/.test(name),
    );
    const pods = await Promise.all(names.sort().map((name) => readOne(name)));
    return pods.filter((pod) => pod !== undefined);
  }

  async function readOne(name: string): Promise<Pod | undefined> {
    try {
      const text = await readFile(join(directory, name), "utf8").catch(ifAbsent);
      const pod = text?.trim() ? staticPodFrom(text, { nodeName }) : undefined;
      told.delete(name);
      return pod;
    } catch (error) {
      const message = error instanceof NotAPod ? error.message : String(error);
      if (told.get(name) !== message) log.warn("a file does not describe a static pod", { file: name, error });
      told.set(name, message);
      return undefined;
    }
  }

  /** One look after the other: what was seen last is what counts, however long a slow card took over it. */
  function readAgain(): void {
    working = working.then(async () => {
      try {
        newest = await read();
        take?.(newest);
      } catch (error) {
        log.warn("the directory of static pods cannot be read", { directory, error });
      }
    });
  }

  const watching = watchDirectory({ directory, quietMs, clock, log }, readAgain);
  let newest = await read();
  return {
    follow(each) {
      take = each;
      each(newest);
    },
    [Symbol.dispose]() {
      take = undefined;
      watching[Symbol.dispose]();
    },
  };
}
