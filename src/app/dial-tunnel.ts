import type { Duplex } from "node:stream";
import { connect } from "node:tls";

export const tunnelPath = "/v1-skiff/tunnel";
export const tunnelProtocol = "skiff-tunnel";

export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
  /** PEM: whom to believe, and what to show. */
  readonly serverCa: string;
  readonly cert: string;
  readonly key: string;
}

/**
 * Opens a connection to a server and asks it to become a tunnel (RFC 9110, section 7.8). The node is known by its client
 * certificate. @throws {Error} with the server's words when it refuses
 */
export function dialTunnel({ host, port, serverCa, cert, key }: TunnelTarget, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, ca: serverCa, cert, key, ALPNProtocols: ["http/1.1"] });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(new Error("not needed any more"));
    signal.addEventListener("abort", abort, { once: true });
    socket.once("error", fail);
    socket.once("secureConnect", () => {
      socket.write(
        `GET ${tunnelPath} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: Upgrade\r\nUpgrade: ${tunnelProtocol}\r\n\r\n`,
      );
    });
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
