import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { internalError, type Status, StatusError, statusErrorFrom } from "../../api/status.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/log.ts";

/** An authorized request that asks for another protocol: what Node's "upgrade" event brings. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly clock: Clock;
}

/** The protocol that the client wants to change to; undefined when it is none of those served here. */
export function wantedProtocol({ headers }: IncomingMessage): "websocket" | "spdy" | undefined {
  const upgrade = headers.upgrade?.toLowerCase();
  if (upgrade === "websocket") return "websocket";
  return upgrade === "spdy/3.1" ? "spdy" : undefined;
}

/** What kubectl is told that asks for exec, attach or port-forward without an upgrade. */
export function upgradeRequired(): StatusError {
  return new StatusError("BadRequest", "Upgrade request required");
}

/** Values of a header that may be repeated or hold a list. */
export function listOf(value: string | string[] | undefined): string[] {
  const text = Array.isArray(value) ? value.join(",") : (value ?? "");
  return text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean);
}

/** Answers with an error instead of the upgrade, and closes. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const { code, body } = answerFor(error);
  if (!socket.writable) return void socket.destroy();
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ""}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function answerFor(error: unknown): { code: number; body: string } {
  const status = error instanceof StatusError ? error : internalError(messageOf(error));
  return { code: status.code, body: `${JSON.stringify(status.toStatus())}\n` };
}

/** Changes to SPDY, in one of the protocols on top of it; undefined, and an answer, when client and server share none. */
export function acceptSpdy({ request, socket, head }: Upgrade, served: readonly string[]): string | undefined {
  const offered = listOf(request.headers["x-stream-protocol-version"]);
  const chosen = offered.length === 0 ? served.at(-1) : offered.find((protocol) => served.includes(protocol));
  if (chosen === undefined) {
    const text = `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${served.join(" ")}]\n`;
    const accepted = served.map((protocol) => `X-Accepted-Stream-Protocol-Versions: ${protocol}\r\n`).join("");
    const rest = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n`;
    socket.end(`HTTP/1.1 403 Forbidden\r\n${accepted}${rest}${text}`);
    return undefined;
  }
  if (head.length > 0) socket.unshift(head);
  const lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: SPDY/3.1"];
  if (offered.length > 0) lines.push(`X-Stream-Protocol-Version: ${chosen}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return chosen;
}

/** A node's answer to a request for a stream. */
export interface NodeAnswer {
  readonly status: number;
  readonly stream: Duplex;
}

// What is read of an error's body: a Status object is far shorter.
const longestErrorBytes = 64 * 1024;

/** The stream of a node that agreed. @throws {StatusError} what the node answered otherwise */
export async function streamFrom({ status, stream }: NodeAnswer): Promise<Duplex> {
  if (status === 200) return stream;
  stream.end();
  let text = "";
  for await (const chunk of stream) if (text.length < longestErrorBytes) text += String(chunk);
  throw statusErrorFrom(statusIn(text) ?? { code: status, message: text.trim() || `the node answered ${status}` });
}

function statusIn(text: string): Partial<Status> | undefined {
  try {
    const parsed = JSON.parse(text) as Partial<Status> | null;
    return parsed?.kind === "Status" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
