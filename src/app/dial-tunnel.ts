import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

export const tunnelPath = "/v1-skiff/tunnel";
export const tunnelProtocol = "skiff-tunnel";

const answerWithinMs = 10_000;

/**
 * Asks a server, over a connection on which the node has shown its certificate, to make it a tunnel (RFC 9110, section 7.8).
 * @throws {Error} with the server's words when it refuses
 */
export function startTunnel(socket: TLSSocket, host: string, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(new Error("not needed any more"));
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", fail);
    socket.setTimeout(answerWithinMs, () => fail(new Error("the server does not answer")));
    socket.write(
      `GET ${tunnelPath} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: ${tunnelProtocol}\r\n\r\n`,
    );
    let head = Buffer.alloc(0);
    const read = (part: Buffer) => {
      head = Buffer.concat([head, part]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) {
        if (head.length > 16_384) fail(new Error("the server's answer has no end"));
        return;
      }
      const [first = ""] = head.toString("latin1", 0, end).split("\r\n");
      if (!first.startsWith("HTTP/1.1 101 "))
        return fail(new Error(`the server refused the tunnel: ${first.replace("HTTP/1.1 ", "")}`));
      socket.off("data", read);
      socket.setTimeout(0);
      socket.off("error", fail);
      signal.removeEventListener("abort", abort);
      socket.pause();
      socket.setNoDelay(true);
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    socket.on("data", read);
  });
}
