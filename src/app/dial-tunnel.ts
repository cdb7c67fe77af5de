import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export const tunnelPath = "/v1-skiff/tunnel";
export const tunnelProtocol = "skiff-tunnel";

const answerWithinMs = 10_000;
const longestHeadBytes = 16_384;

/**
 * Asks a server, over a connection on which the node has shown its certificate, to make it a tunnel (RFC 9110, section 7.8).
 * The connection is the caller's again when this resolves, and destroyed when it rejects.
 * @throws {Error} with the server's words when it refuses; when it says nothing, closes the connection, or `signal` is aborted
 */
export function startTunnel(socket: Socket, host: string, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const leave = () => {
      socket.setTimeout(0);
      socket.off("timeout", silent).off("close", closed).off("data", read);
      signal.removeEventListener("abort", abort);
    };
    const fail = (error: Error) => {
      leave();
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(new Error("not needed any more"));
    const silent = () => fail(new Error("the server does not answer"));
    // A server that stops ends the connection without an error: nothing else would tell.
    const closed = () => fail(new Error("the server closed the connection"));
    const read = (part: Buffer) => {
      head = Buffer.concat([head, part]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) {
        if (head.length > longestHeadBytes) fail(new Error("the server's answer has no end"));
        return;
      }
      const [first = ""] = head.toString("latin1", 0, end).split("\r\n");
      if (!first.startsWith("HTTP/1.1 101 "))
        return fail(new Error(`the server refused the tunnel: ${first.replace("HTTP/1.1 ", "")}`));
      leave();
      socket.off("error", fail);
      socket.pause();
      socket.setNoDelay(true);
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    socket.on("error", fail).on("close", closed).on("timeout", silent).on("data", read);
    signal.addEventListener("abort", abort);
    if (signal.aborted) return abort();
    socket.setTimeout(answerWithinMs);
    socket.write(
      `GET ${tunnelPath} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: ${tunnelProtocol}\r\n\r\n`,
    );
  });
}
