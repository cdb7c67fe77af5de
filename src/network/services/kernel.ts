import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Clock } from "../../base/clock.ts";
import { CommandFailed, runCommand, ToolMissing } from "../run-command.ts";
import { tableName } from "./ruleset.ts";

/** nft refused a transaction; nothing of it was done. */
export class TransactionRefused extends Error {
  override readonly name = "TransactionRefused";
}

// A command that touches no kernel state and prints one known line: what it answers to has been carried out before.
const question = "describe ip daddr";
const answerStart = "payload expression, datatype ipv4_addr";

// What is longer goes through a process of its own: it is rare, and nft reads a line into memory at once.
const longestLine = 60_000;

// A quiet node need not hold the 7 MB of a waiting nft.
const idleMs = 30_000;

/**
 * skiff's table in the kernel. Small transactions go through an nft that waits for them (3 ms each; starting one costs
 * 10), which is started when needed and let go when nothing happens for a while.
 */
export class KernelTable implements AsyncDisposable {
  readonly #clock: Clock;
  /** Called before each transaction. */
  readonly #changing: () => void;
  #session: NftSession | undefined;
  #idle: Disposable | undefined;

  constructor(clock: Clock, changing: () => void = () => {}) {
    this.#clock = clock;
    this.#changing = changing;
  }

  /** Carries out all commands or none. @throws {TransactionRefused} @throws {ToolMissing} */
  async change(commands: readonly string[]): Promise<void> {
    if (commands.length === 0) return;
    this.#changing();
    const line = commands.join("; ");
    if (line.length > longestLine) return await runScript(commands.join("\n"));
    this.#idle?.[Symbol.dispose]();
    if (!this.#session?.alive) this.#session = new NftSession();
    const said = await this.#session.say(line);
    this.#idle = this.#clock.after(idleMs, () => this.#session?.end());
    if (said) throw new TransactionRefused(said.split("\n", 1)[0]);
  }

  /** Replaces the whole table. */
  async replace(text: string): Promise<void> {
    this.#changing();
    await runScript(text);
  }

  async exists(): Promise<boolean> {
    try {
      await runCommand("nft", ["-t", "list", "table", ...tableName.split(" ")]);
      return true;
    } catch (error) {
      if (error instanceof CommandFailed) return false;
      throw error;
    }
  }

  async remove(): Promise<void> {
    await runScript(`table ${tableName} {}\ndelete table ${tableName}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#idle?.[Symbol.dispose]();
    await this.#session?.end();
  }
}

/** Runs a whole script as one transaction. */
async function runScript(script: string): Promise<void> {
  try {
    await runCommand("nft", ["-f", "-"], { input: `${script}\n` });
  } catch (error) {
    if (error instanceof CommandFailed) throw new TransactionRefused(error.stderr.trim().split("\n", 1)[0]);
    throw error;
  }
}

/** An nft that reads commands, one transaction a line. */
class NftSession {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<void>;
  alive = true;
  #said = "";
  #waiting: { resolve: (said: string) => void; reject: (error: Error) => void }[] = [];

  constructor() {
    // One pipe for both: so that an error is read before the answer that follows it.
    const child = spawn("sh", ["-c", "exec nft -i 2>&1"], { stdio: ["pipe", "pipe", "pipe"] });
    this.#process = child;
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#read(text));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    const over = (error: Error) => {
      this.alive = false;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
      resolve();
    };
    child.once("error", over);
    child.once("close", (status) => {
      over(
        status === 127 ? new ToolMissing("nft") : new Error(`nft ended with status ${status}: ${this.#said.trim()}`),
      );
    });
  }

  /** Sends a line; resolves with what nft had to say about it, "" for nothing. */
  say(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#process.stdin.write(`${line}\n${question}\n`);
    });
  }

  async end(): Promise<void> {
    this.alive = false;
    this.#process.stdin.end();
    await this.#ended;
  }

  #read(text: string): void {
    this.#said += text;
    for (;;) {
      const at = this.#said.startsWith(answerStart) ? 0 : this.#said.indexOf(`\n${answerStart}`) + 1;
      if (at === 0 && !this.#said.startsWith(answerStart)) return;
      const end = this.#said.indexOf("\n", at);
      if (end < 0) return;
      const before = this.#said.slice(0, at);
      this.#said = this.#said.slice(end + 1);
      this.#waiting.shift()?.resolve(before.trim());
    }
  }
}
