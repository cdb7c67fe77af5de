import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { installBinary } from "../node/own-programs.ts";

/** Tells systemd how the service is doing (sd_notify(3)). Where nobody asked to be told, nothing happens. */
export interface ServiceManager extends Disposable {
  /** The service does what it is for: what was ordered behind it may start. */
  ready(status: string): void;
  /** The service has begun to stop. */
  stopping(): void;
}

export interface ServiceManagerOptions {
  /** NOTIFY_SOCKET says where to tell; WATCHDOG_USEC and WATCHDOG_PID, that a silent process is to be killed. */
  readonly env: NodeJS.ProcessEnv;
  /** The path of a program that passes messages, each with a zero byte behind it, from stdin to NOTIFY_SOCKET. */
  readonly program: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The service manager of this process, and the program that skiff brings along to reach it. */
export function systemd(dataDirectory: string): Pick<ServiceManagerOptions, "env" | "program"> {
  return { env: process.env, program: () => installBinary("notify", join(dataDirectory, "programs")) };
}

/** systemd asks for a sign of life in half of its limit at the latest; one may be late. */
const signsWithinLimit = 3;

/**
 * Opens the way to the service manager. Signs of life come from a timer of the event loop: a loop that is stuck gives none, and
 * is started anew.
 */
export async function openServiceManager({ env, program, clock, log }: ServiceManagerOptions): Promise<ServiceManager> {
  if (!env.NOTIFY_SOCKET) return { ready() {}, stopping() {}, [Symbol.dispose]() {} };
  const helper = spawn(await program(), [], { env, stdio: ["pipe", "ignore", "ignore"] });
  const tell = messagesTo(helper, log);
  let timer: Disposable | undefined;
  const everyMs = watchdogMs(env) / signsWithinLimit;
  function signOfLife(): void {
    tell("WATCHDOG=1");
    timer = clock.after(everyMs, signOfLife);
  }
  if (everyMs > 0) signOfLife();
  return {
    ready: (status) => tell(`READY=1\nSTATUS=${status}`),
    stopping: () => tell("STOPPING=1\nSTATUS=stopping; containers go on running"),
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
      helper.stdin?.end();
    },
  };
}

/** Whether systemd is about to stop this machine, or to start it anew, and stops skiff for that. */
export function machineGoesDown(): Promise<boolean> {
  return new Promise((resolve) => {
    // Exit codes tell only "running" from the rest; where there is no systemd, there is no word.
    execFile("systemctl", ["is-system-running"], (_, stdout) => resolve(String(stdout).trim() === "stopping"));
  });
}

/** The limit of this process' silence; 0 where there is none, or where it is another process'. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number {
  if (WATCHDOG_PID && Number(WATCHDOG_PID) !== process.pid) return 0;
  return Number(WATCHDOG_USEC ?? 0) / 1000;
}

function messagesTo(helper: ChildProcess, log: Log): (message: string) => void {
  let failed = false;
  const fail = (error: unknown): void => {
    if (!failed) log.error("systemd can no longer be told how skiff is doing", { error });
    failed = true;
  };
  helper.on("error", fail);
  helper.stdin?.on("error", fail);
  return (message) => {
    if (!failed) helper.stdin?.write(`${message}\0`);
  };
}
