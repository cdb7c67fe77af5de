import type { Duplex, Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { ContainerId, ExecOptions, ExecSession, StreamOptions } from "../runtime.ts";
import { demux } from "./demux.ts";
import { dockerError, statusOf } from "./errors.ts";

/** Runs a command in a container. Aborting kills the command. */
export async function execInContainer(
  docker: Docker,
  id: ContainerId,
  { command, stdin, stdout, stderr, tty }: ExecOptions,
  signal: AbortSignal,
): Promise<ExecSession> {
  try {
    const exec = await docker.getContainer(id).exec({
      Cmd: [...command],
      AttachStdin: stdin,
      // Without any stream Docker would run it in the background and never say when it ends.
      AttachStdout: true,
      AttachStderr: !tty,
      Tty: tty,
    });
    const stream = (await exec.start({ hijack: true, stdin, Tty: tty })) as Duplex;
    const exited = exitCode(exec, stream);
    const kill = () => void killExec(exec).finally(() => stream.destroy(new Error("the command was ended")));
    signal.addEventListener("abort", kill, { once: true });
    const forget = () => signal.removeEventListener("abort", kill);
    void exited.then(forget, forget);
    if (signal.aborted) kill();
    return {
      ...ends(stream, { stdin, stdout, stderr, tty }),
      resize: (columns, rows) => unlessEnded(exec.resize({ w: columns, h: rows })),
      exited,
    };
  } catch (error) {
    throw dockerError(error);
  }
}

/** Connects to a container's first process. */
export async function attachToContainer(
  docker: Docker,
  id: ContainerId,
  options: StreamOptions,
  signal: AbortSignal,
): Promise<ExecSession> {
  const container = docker.getContainer(id);
  const { stdin, stdout, stderr, tty } = options;
  try {
    const stream = (await container.attach({
      stream: true,
      hijack: true,
      stdin,
      stdout: true,
      stderr: stderr && !tty,
    })) as Duplex;
    const end = () => void stream.destroy();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    return {
      ...ends(stream, { stdin, stdout, stderr, tty }),
      resize: (columns, rows) => unlessEnded(container.resize({ w: columns, h: rows })),
      exited: closed(stream).then(() => 0),
    };
  } catch (error) {
    throw dockerError(error);
  }
}

/** A terminal that is gone needs no size: Docker answers that there is none. */
async function unlessEnded(resize: Promise<unknown>): Promise<void> {
  await resize.catch((error: unknown) => {
    if (statusOf(error) === undefined) throw dockerError(error);
  });
}

function ends(
  stream: Duplex,
  { stdin, stdout, stderr, tty }: StreamOptions,
): Pick<ExecSession, "stdin" | "stdout" | "stderr"> {
  // Writing after the command has ended is no fault of anybody's.
  stream.on("error", () => undefined);
  const out: { stdout: Readable; stderr: Readable | undefined } = tty
    ? { stdout: stream, stderr: undefined }
    : demux(stream);
  for (const each of [out.stdout, out.stderr]) each?.on("error", () => undefined);
  if (!stdout) out.stdout.resume();
  if (!stderr) out.stderr?.resume();
  return {
    stdin: stdin ? stream : undefined,
    stdout: stdout ? out.stdout : undefined,
    stderr: stderr ? out.stderr : undefined,
  };
}

/** Docker closes the stream when the command has ended, sometimes a moment before it knows the exit code. */
async function exitCode(exec: Docker.Exec, stream: Duplex): Promise<number> {
  await closed(stream);
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 1_000)) {
    const { Running, ExitCode } = await exec.inspect();
    if (!Running && ExitCode !== null) return ExitCode;
    await sleep(waitMs);
  }
}

function closed(stream: Duplex): Promise<void> {
  return new Promise((done, fail) => {
    stream.once("end", done);
    stream.once("close", done);
    stream.once("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" ? done() : fail(error)));
  });
}

/** Docker has no call to end an exec; the process is on this machine, so the kernel can. */
async function killExec(exec: Docker.Exec): Promise<void> {
  try {
    // It may not have started yet: then it has neither a process nor an exit code.
    for (let waitMs = 5; waitMs < 5_000; waitMs *= 2) {
      const { Pid, ExitCode } = await exec.inspect();
      if (ExitCode !== null) return;
      if (Pid > 0) return void process.kill(Pid, "SIGKILL");
      await sleep(waitMs);
    }
  } catch {
    // It has ended by itself, or Docker does not answer: the caller gave it up either way.
  }
}
