import { type ChildProcess, spawn } from "node:child_process";
import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";

export interface KernelWatchOptions {
  /** A program that prints a line for each change, until it is ended. */
  readonly command: readonly [string, ...string[]];
  /** Called with each line, and with undefined when lines may have been missed. */
  readonly told: (line: string | undefined) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Listens to what the kernel says of changes, whoever made them, through a program that prints them. When the program ends
 * it is started again, and who listens is told that something may have been missed.
 */
export function watchKernel({ command, told, clock, log }: KernelWatchOptions): AsyncDisposable {
  const stop = new AbortController();
  const backoff = new Backoff({ firstMs: 500, maxMs: 60_000 }, clock);
  let child: ChildProcess | undefined;

  async function listen(): Promise<void> {
    for (let again = false; !stop.signal.aborted; again = true) {
      child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "ignore"] });
      if (again) told(undefined);
      await readLines(child, (line) => {
        backoff.reset();
        told(line);
      });
      if (stop.signal.aborted) return;
      log.debug("a listener to the kernel's changes ended, starting it again", { command: command.join(" ") });
      await backoff.wait(stop.signal);
    }
  }
  const listening = listen();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      child?.kill();
      await listening;
    },
  };
}

/** Resolves when the program has ended, or could not be started. */
function readLines(child: ChildProcess, each: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let rest = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) each(line);
    });
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
}
