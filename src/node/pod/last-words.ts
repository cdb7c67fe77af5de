import { open } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { ifAbsent } from "../../base/files.ts";
import type { Log } from "../../base/log.ts";
import { timeLimit } from "../../base/time-limit.ts";
import type { Container, ContainerRuntime } from "../runtime.ts";
import { annotation } from "./spec-hash.ts";

/** Kubernetes docs, "Determine the Reason for Pod Failure": how much of the message, and of the log, is shown. */
const longestMessage = 4096;
const logFallback = { lines: 80, bytes: 2048 } as const;

/** What containers that have ended wrote as their termination message; each is read once. */
export class LastWords {
  readonly byContainer = new Map<string, string>();
  readonly #runtime: ContainerRuntime;
  readonly #log: Log;

  constructor({ runtime, log }: { runtime: ContainerRuntime; log: Log }) {
    this.#runtime = runtime;
    this.#log = log;
  }

  async read(containers: readonly Container[]): Promise<void> {
    for (const container of containers) {
      if (container.state !== "exited" || this.byContainer.has(container.id)) continue;
      this.byContainer.set(container.id, await this.#readOne(container));
    }
    const there = new Set(containers.map(({ id }) => id));
    for (const id of this.byContainer.keys()) if (!there.has(id)) this.byContainer.delete(id);
  }

  /** What cannot be read is not asked for again: a container's end is reported without its words. */
  async #readOne(container: Container): Promise<string> {
    try {
      return await this.#lastWordsOf(container);
    } catch (error) {
      this.#log.warn("a container's termination message cannot be read", { container: container.id, error });
      return "";
    }
  }

  async #lastWordsOf({ id, annotations, exitCode }: Container): Promise<string> {
    const path = annotations[annotation.terminationMessagePath];
    const message = path ? await head(path) : "";
    if (message || exitCode === 0 || annotations[annotation.terminationMessagePolicy] !== "FallbackToLogsOnError")
      return message;
    const options = { follow: false, timestamps: false, stream: "all", tailLines: logFallback.lines } as const;
    using limit = timeLimit(5_000);
    const log = await text(await this.#runtime.logs(id, options, limit.signal));
    return log.slice(-logFallback.bytes);
  }
}

async function head(path: string): Promise<string> {
  await using file = await open(path, "r").catch(ifAbsent);
  if (!file) return "";
  const { buffer, bytesRead } = await file.read(Buffer.alloc(longestMessage), 0, longestMessage, 0);
  return buffer.subarray(0, bytesRead).toString();
}
