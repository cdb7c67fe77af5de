import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";

export interface LogFileOptions {
  readonly path: string;
  /** From this size on a file is set aside; 0: 100 MB. */
  readonly maxMegabytes: number;
  /** How many files that were set aside are kept; 0: any number. */
  readonly maxBackups: number;
  /** How many days they are kept; 0: for ever. */
  readonly maxDays: number;
  /** Whether they are compressed. */
  readonly compress: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const dayMs = 24 * 60 * 60 * 1000;
/** Lines that wait for a disk that is too slow; what comes beyond is lost, and that is said. */
const mostWaiting = 10_000;

/** A file that lines are written to, set aside when it is large. Written lines of one moment are one write. */
export class LogFile implements AsyncDisposable {
  readonly #options: LogFileOptions;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #size: number;
  #lost = 0;

  private constructor(options: LogFileOptions, size: number) {
    this.#options = options;
    this.#size = size;
  }

  /** @throws when the file cannot be written to */
  static async open(options: LogFileOptions): Promise<LogFile> {
    await mkdir(dirname(options.path), { recursive: true, mode: 0o700 });
    const file = await open(options.path, "a", 0o600);
    const { size } = await file.stat();
    await file.close();
    return new LogFile(options, size);
  }

  write(line: string): void {
    if (this.#waiting.length >= mostWaiting) this.#lost++;
    else this.#waiting.push(line);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    const { path, log } = this.#options;
    // All that is said in this moment is written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const text = this.#waiting.map((line) => `${line}\n`).join("");
      const lost = this.#lost;
      this.#waiting = [];
      this.#lost = 0;
      try {
        const bytes = Buffer.from(text);
        if (this.#size > 0 && this.#size + bytes.length > this.#mostBytes()) await this.#setAside();
        const file = await open(path, "a", 0o600);
        try {
          await file.appendFile(bytes);
        } finally {
          await file.close();
        }
        this.#size += bytes.length;
      } catch (error) {
        log.error("the audit log could not be written to", { file: path, error });
      }
      if (lost > 0) log.error("the disk is too slow for the audit log: lines were lost", { lines: lost });
    }
  }

  #mostBytes(): number {
    return (this.#options.maxMegabytes || 100) * 1024 * 1024;
  }

  /** Named by the time, as Kubernetes' own are: "audit-2026-01-31T10-00-00.000.log". */
  async #setAside(): Promise<void> {
    const { path, clock } = this.#options;
    const time = new Date(clock.now()).toISOString().slice(0, 23).replaceAll(":", "-");
    const aside = join(dirname(path), `${this.#prefix()}${time}${extname(path)}`);
    await rename(path, aside);
    this.#size = 0;
    if (this.#options.compress) await compressed(aside);
    await this.#prune();
  }

  #prefix(): string {
    return `${basename(this.#options.path, extname(this.#options.path))}-`;
  }

  async #prune(): Promise<void> {
    const { path, maxBackups, maxDays, clock } = this.#options;
    const directory = dirname(path);
    const isBackup = (name: string) =>
      name.startsWith(this.#prefix()) &&
      (name.endsWith(extname(path)) || name.endsWith(`${extname(path)}.gz`)) &&
      /-\d{4}-\d\d-\d\dT/.test(name);
    const backups = (await readdir(directory)).filter(isBackup).sort().reverse();
    for (const [i, name] of backups.entries()) {
      const file = join(directory, name);
      const isTooMany = maxBackups > 0 && i >= maxBackups;
      const isTooOld = maxDays > 0 && (await stat(file)).mtimeMs < clock.now() - maxDays * dayMs;
      if (isTooMany || isTooOld) await rm(file, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }
}

/** Puts a compressed file in the place of one, whole or not at all. */
async function compressed(file: string): Promise<void> {
  const unfinished = `${file}.gz.part`;
  await pipeline(createReadStream(file), createGzip(), createWriteStream(unfinished, { mode: 0o600 }));
  await rename(unfinished, `${file}.gz`);
  await rm(file, { force: true });
}
