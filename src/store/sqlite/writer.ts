import { Worker } from "node:worker_threads";
import type { Answer, Answers, Failure, Request, WriterOptions } from "./protocol.ts";

/** How the writer thread's code is found where it is no file beside this one: in the single executable. */
export interface WriterCode {
  /** The worker as a CommonJS script. */
  readonly source: string;
  /** The native addon of better-sqlite3 as a file. */
  readonly addonFile: string;
}

/** The writer thread did not do what it was asked. */
export class WriterFailure extends Error {
  override readonly name = "WriterFailure";
  readonly kind: Failure["kind"];
  constructor({ kind, message }: Failure) {
    super(message);
    this.kind = kind;
  }
}

/** The writer thread as seen from the other side. */
export class Writer {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 0;
  #hasEnded = false;

  constructor(file: string, code: WriterCode | undefined) {
    const workerData: WriterOptions = { file, addonFile: code?.addonFile };
    // SQLite's memory is not V8's: the thread itself only moves rows along.
    const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 };
    this.#worker = code
      ? new Worker(code.source, { eval: true, workerData, resourceLimits })
      : new Worker(new URL("./writer.worker.ts", import.meta.url), { workerData, resourceLimits });
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on("error", (error) => this.#end(`the writer thread failed: ${error.message}`));
    this.#worker.on("exit", () => this.#end("the writer thread has ended"));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** @throws {WriterFailure} */
  ask<T extends Request["type"]>(
    request: Extract<Request, { type: T }>,
    moved: ArrayBuffer[] = [],
  ): Promise<Answers[T]> {
    const waiting = Promise.withResolvers<unknown>();
    const id = this.#nextId++;
    this.#waiting.set(id, waiting);
    if (this.#hasEnded) this.#end("the writer thread has ended");
    else this.#worker.postMessage({ id, request }, moved);
    return waiting.promise as Promise<Answers[T]>;
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.ok) waiting?.resolve(answer.result);
    else waiting?.reject(new WriterFailure(answer.failure));
  }

  #end(message: string): void {
    this.#hasEnded = true;
    for (const { reject } of this.#waiting.values()) reject(new WriterFailure({ kind: "other", message }));
    this.#waiting.clear();
  }
}
