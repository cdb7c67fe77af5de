import { type FSWatcher, watch } from "node:fs";
import { basename } from "node:path";
import type { Clock } from "./clock.ts";
import { type Log, messageOf } from "./log.ts";

export interface DirectoryWatch {
  readonly directory: string;
  /** What lies below its directories counts too. */
  readonly recursive?: boolean;
  /** Only what happens to the file of this name. */
  readonly only?: string;
  /** Things are written in several steps: `changed` is called when nothing has happened for so long. */
  readonly quietMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** While the kernel gives no watch (a user may have so many), the directory counts as changed this often. */
const retryMs = 60_000;

/**
 * Calls `changed` after something changed in a directory, until disposed of. One that is taken away and made anew is followed
 * again; a kernel that has no watch to give, or a directory that is not there, is no error: it is tried again.
 */
export function watchDirectory(options: DirectoryWatch, changed: () => void): Disposable {
  const { directory, recursive = false, only, quietMs, clock, log } = options;
  let watcher: FSWatcher | undefined;
  let quiet: Disposable | undefined;
  let retry: Disposable | undefined;
  let isBlind = false;

  function soon(): void {
    quiet?.[Symbol.dispose]();
    quiet = clock.after(quietMs, changed);
  }

  function begin(): void {
    watcher?.close();
    try {
      watcher = watch(directory, { recursive, persistent: false }, (what, name) => {
        // A directory tells of its own end by its own name.
        if (what === "rename" && name === basename(directory)) begin();
        if (only === undefined || name === null || name === only) soon();
      });
      watcher.on("error", fail);
      isBlind = false;
    } catch (error) {
      fail(error);
    }
  }

  function fail(error: unknown): void {
    if (!isBlind)
      log.warn("changes of a directory are not noticed at once; looking once a minute", {
        directory,
        error: messageOf(error),
      });
    isBlind = true;
    watcher?.close();
    retry?.[Symbol.dispose]();
    retry = clock.after(retryMs, () => {
      begin();
      soon();
    });
  }

  begin();
  return {
    [Symbol.dispose]() {
      watcher?.close();
      quiet?.[Symbol.dispose]();
      retry?.[Symbol.dispose]();
    },
  };
}
