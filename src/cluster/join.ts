import { request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import { CannotStart } from "../base/lifecycle.ts";
import { connectPinned } from "../base/pinned-tls.ts";
import { authorityPath, type JoinAnswer, type JoinRequest, joinPath } from "./join-protocol.ts";
import { basicAuthorization, caHashOf, type JoinToken } from "./token.ts";

/** A name that every server's certificate carries: servers are told by their authority, not by how they were reached. */
export const serverName = "kubernetes";

const withinMs = 10_000;
const mostAnswerBytes = 1 << 20;

/**
 * Asks a server for the certificate of the cluster's authority and compares it with the hash in the token. Nothing secret is
 * sent: whoever answers is not known yet. A token of the short form has no hash, and the first answer is believed.
 * @throws {CannotStart} when the authority is another one
 */
export async function fetchAuthority(server: string, { caHash }: Pick<JoinToken, "caHash">): Promise<string> {
  const { hostname, port } = addressOf(server);
  // Not verified: that is what the hash is for.
  const socket = connect({ host: hostname, port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
  const { status, body } = await exchange(server, socket, { method: "GET", path: authorityPath });
  if (status !== 200 || !body.includes("BEGIN CERTIFICATE"))
    throw new CannotStart(`${server} is no skiff server: it answers ${authorityPath} with ${status}`);
  if (caHash !== undefined && caHashOf(body) !== caHash) {
    throw new CannotStart(
      `${server} is not the server that made this token (its authority is another one): the token was not sent. Check the address, or take a new token from the server's node-token file`,
    );
  }
  return body;
}

export interface Joining {
  readonly server: string;
  readonly serverCa: string;
  /** The node's certificate and key, or a token. */
  readonly credential: { readonly token: JoinToken } | { readonly cert: string; readonly key: string };
  readonly ask: JoinRequest;
}

/** A server that can be reached has refused the device. */
export class JoinRefused extends CannotStart {
  override readonly name = "JoinRefused";
}

/** Joins, or renews what was given. @throws {JoinRefused} with the server's words */
export async function askToJoin({ server, serverCa, credential, ask }: Joining): Promise<JoinAnswer> {
  const { hostname: host, port } = addressOf(server);
  const shown = "token" in credential ? {} : credential;
  const socket = await connectPinned({
    host,
    port,
    ca: serverCa,
    name: serverName,
    protocols: ["http/1.1"],
    ...shown,
  });
  const headers = {
    "content-type": "application/json",
    ...("token" in credential && { authorization: basicAuthorization(credential.token) }),
  };
  const sent = { method: "POST", path: joinPath, headers, body: JSON.stringify(ask) };
  const { status, body } = await exchange(server, socket, sent);
  if (status === 200) return JSON.parse(body) as JoinAnswer;
  const message = messageIn(body) ?? `it answers with ${status}`;
  throw status < 500 ? new JoinRefused(`${server} refuses this device: ${message}`) : new Error(message);
}

/** The server does not answer at all. */
export class NotReached extends CannotStart {
  override readonly name = "NotReached";
}

/** Asks a server for something of skiff's own, as who the kubeconfig says. @throws {NotReached} @throws {CannotStart} */
export async function askAsAdministrator(
  { server, ca, cert, key }: { server: string; ca: string; cert: string; key: string },
  path: string,
  ask: unknown,
): Promise<unknown> {
  const { hostname: host, port } = addressOf(server);
  const connecting = connectPinned({ host, port, ca, name: serverName, protocols: ["http/1.1"], cert, key });
  const socket = await connecting.catch((error: Error) => {
    throw new NotReached(`${server} does not answer: ${error.message}`);
  });
  const headers = { "content-type": "application/json" };
  const { status, body } = await exchange(server, socket, { method: "POST", path, headers, body: JSON.stringify(ask) });
  if (status === 200) return JSON.parse(body);
  throw new CannotStart(`${server} refuses: ${messageIn(body) ?? `it answers with ${status}`}`);
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function exchange(server: string, socket: TLSSocket, sent: Sent): Promise<{ status: number; body: string }> {
  const { host } = new URL(server);
  return new Promise((resolve, reject) => {
    const { body, headers, ...rest } = sent;
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const all = { host, connection: "close", ...headers, ...length };
    const asked = request({ ...rest, headers: all, createConnection: () => socket }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        if (text.length > mostAnswerBytes) asked.destroy(new Error(`${server} does not come to an end`));
      });
      answer.on("error", reject);
      answer.on("end", () => {
        socket.destroy();
        resolve({ status: answer.statusCode ?? 0, body: text });
      });
    });
    asked.setTimeout(withinMs, () => asked.destroy(new Error(`${server} does not answer`)));
    asked.on("error", (error) => {
      socket.destroy();
      reject(error);
    });
    asked.end(body);
  });
}

function addressOf(server: string): { hostname: string; port: number } {
  const { hostname, port } = new URL(server);
  return { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443) };
}

function messageIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { message?: string }).message;
  } catch {
    return undefined; // not a Status: something else listens there
  }
}
