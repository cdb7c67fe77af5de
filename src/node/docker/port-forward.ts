import { spawn } from "node:child_process";
import { Duplex, Writable } from "node:stream";
import { getSystemErrorMessage } from "node:util";
import { installBinary } from "../images/binaries.ts";

/** Connects to a TCP port inside other network namespaces, by a small program of its own for each connection. */
export interface PortForwarder {
  connect(pid: number, port: number, signal: AbortSignal): Promise<Duplex>;
}

/** `directory`: where the program may be written. */
export function openPortForwarder(directory: string): PortForwarder {
  let installed: Promise<string> | undefined;
  return {
    async connect(pid, port, signal) {
      installed ??= installBinary("forward", directory).catch((error: unknown) => {
        // A disk that was full may have room the next time.
        installed = undefined;
        throw error;
      });
      const program = await installed;
      const child = spawn(program, [`/proc/${pid}/ns/net`, String(port)], {
        stdio: ["pipe", "pipe", "ignore"],
        signal,
      });
      child.on("error", () => child.stdout.destroy());
      // A write to a connection that has gone is reported by the end of the stream.
      child.stdin.on("error", () => child.stdin.destroy());
      const verdict = await firstByte(child.stdout);
      if (verdict !== 0) {
        const why = verdict === undefined ? "the forwarding program ended" : getSystemErrorMessage(-verdict);
        throw new Error(`dial tcp 127.0.0.1:${port}: connect: ${why}`);
      }
      return Duplex.from({ readable: child.stdout, writable: forgiving(child.stdin) });
    },
  };
}

/**
 * A pod that has closed takes nothing any more: what is still sent is dropped, so that what it said before is read to its end.
 * The program's own input breaks with the program, and would take the output along.
 */
function forgiving(input: Writable): Writable {
  return new Writable({
    write: (chunk, _encoding, done) => void (input.writable ? input.write(chunk, () => done()) : done()),
    final: (done) => void (input.writable ? input.end(() => done()) : done()),
  });
}

function firstByte(stream: NodeJS.ReadableStream): Promise<number | undefined> {
  return new Promise((done) => {
    const look = () => {
      const chunk = stream.read() as Buffer | null;
      if (chunk === null) return;
      settle(chunk[0]);
      const rest = chunk.subarray(1);
      if (rest.length > 0) stream.unshift(rest);
    };
    const ended = () => settle(undefined);
    const settle = (byte: number | undefined) => {
      stream.off("readable", look);
      stream.off("end", ended);
      stream.off("close", ended);
      done(byte);
    };
    stream.on("readable", look);
    stream.on("end", ended);
    stream.on("close", ended);
  });
}
