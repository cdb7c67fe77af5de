import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { upgradeHeader } from "../../api/streams.ts";
import type { NodeResponse } from "../node-dialer.ts";

/**
 * Passes a connection that changes its protocol on to the one behind a proxy subresource, whatever the protocol is. Resolves
 * when either side has ended it; one that does not change is answered as the other side answers.
 */
export async function serveProxied(
  { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
  open: (signal: AbortSignal) => Promise<NodeResponse>,
): Promise<void> {
  const gone = new AbortController();
  socket.once("close", () => gone.abort());
  const { status, headers, stream } = await open(gone.signal);
  const { [upgradeHeader]: protocol, ...passed } = headers;
  const code = protocol === undefined ? status : 101;
  const lines = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ""}`,
    ...(protocol === undefined ? ["connection: close"] : ["connection: Upgrade", `upgrade: ${protocol}`]),
    ...Object.entries(passed)
      .filter(([name]) => !name.startsWith(":"))
      .map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  if (protocol !== undefined && head.length > 0) socket.unshift(head);
  stream.on("error", () => socket.destroy()).pipe(socket);
  if (protocol !== undefined) socket.pipe(stream);
  // Whichever side goes, the other has nobody to talk to.
  stream.once("close", () => socket.end());
  await new Promise((closed) => socket.once("close", closed));
  stream.destroy();
}
