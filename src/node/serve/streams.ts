import type { Readable } from "node:stream";
import type { Status } from "../../api/status.ts";
import { internalError, StatusError } from "../../api/status.ts";
import { channels, decodeTerminalSize, encodeFrame, exitStatus, FrameReader } from "../../api/streams.ts";
import type { ExecSession } from "../runtime.ts";
import type { NodeReply } from "./exchange.ts";

/** Carries the streams of a command or of a container's first process over the tunnel, to the end of either side. */
export async function carryStreams({ stream, signal, respond }: NodeReply, session: ExecSession): Promise<void> {
  respond(200, { "content-type": "application/octet-stream" });
  const input = stream.pipe(new FrameReader());
  // Input that breaks off is the end of input; what became of the command is said at its end.
  void readInput(input, session).then(undefined, () => session.stdin?.end());
  const outputs = [
    session.stdout && send(session.stdout, channels.stdout, stream),
    session.stderr && send(session.stderr, channels.stderr, stream),
  ];
  const outcome = await session.exited.then(exitStatus, failure);
  await Promise.all(outputs);
  if (signal.aborted || stream.destroyed) return;
  stream.end(encodeFrame(channels.error, JSON.stringify(outcome)));
}

async function readInput(frames: FrameReader, { stdin, resize }: ExecSession): Promise<void> {
  for await (const { channel, payload } of frames) {
    if (channel === channels.stdin) {
      if (stdin && !stdin.write(payload)) await drained(stdin);
    } else if (channel === channels.close && payload[0] === channels.stdin) {
      stdin?.end();
    } else if (channel === channels.resize) {
      const size = decodeTerminalSize(payload);
      if (size) await resize(size.width, size.height);
    }
  }
  stdin?.end();
}

async function send(source: Readable, channel: number, to: NodeReply["stream"]): Promise<void> {
  try {
    for await (const chunk of source) {
      if (to.destroyed) return;
      if (!to.write(encodeFrame(channel, chunk as Buffer))) await drained(to);
    }
  } catch {
    // The end of the command says what happened.
  }
}

function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((done) => {
    const finish = () => {
      stream.off("drain", finish);
      stream.off("close", finish);
      done();
    };
    stream.on("drain", finish);
    stream.on("close", finish);
  });
}

function failure(error: unknown): Partial<Status> {
  const known =
    error instanceof StatusError ? error : internalError(error instanceof Error ? error.message : String(error));
  return known.toStatus();
}
