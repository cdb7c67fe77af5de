import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Pod } from "../../api/schema/types.ts";
import { badRequest, StatusError } from "../../api/status.ts";
import { upgradeHeader } from "../../api/streams.ts";
import { messageOf } from "../../base/log.ts";
import type { NodeReply, NodeRequest } from "./exchange.ts";

// Of one connection only (RFC 9110, section 7.6.1): they are not passed on.
const ofConnection = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  upgradeHeader,
]);

export interface PodTarget {
  readonly scheme: "http" | "https";
  readonly port: number;
  /** With its query. */
  readonly path: string;
}

/** Passes a request on to a port of a pod of this node, and the pod's answer back. */
export async function proxyToPod(
  { pod, target, request }: { pod: Pod; target: PodTarget; request: NodeRequest },
  reply: NodeReply,
): Promise<void> {
  const host = pod.status?.podIP;
  if (!host) throw badRequest(`pod ${pod.metadata.name} has no address yet`);
  const protocol = request.headers?.[upgradeHeader];
  const outgoing = (target.scheme === "https" ? httpsRequest : httpRequest)({
    host,
    port: target.port,
    path: target.path,
    method: request.method,
    headers: { ...passedOn(request.headers ?? {}), ...(protocol && { connection: "Upgrade", upgrade: protocol }) },
    signal: reply.signal,
    // Pods make their certificates as they like; as in Kubernetes nobody vouches for them.
    rejectUnauthorized: false,
  });
  const answered = new Promise<Answered>((resolve, reject) =>
    outgoing
      .on("response", (answer) => resolve({ answer }))
      .on("upgrade", (answer, connection, head) => resolve({ answer, changed: { connection, head } }))
      .on("error", reject),
  );
  if (protocol) outgoing.end();
  else reply.stream.pipe(outgoing);
  const { answer, changed } = await answered.catch((error: unknown) => {
    throw new StatusError("ServiceUnavailable", `error trying to reach service: ${messageOf(error)}`);
  });
  const headers = passedOn(answer.headers);
  if (changed) {
    const { connection, head } = changed;
    connection.unshift(head);
    reply.respond(200, { ...headers, [upgradeHeader]: answer.headers.upgrade ?? "" });
    await Promise.all([pipeline(reply.stream, connection), pipeline(connection, reply.stream)]);
    return;
  }
  reply.respond(answer.statusCode ?? 502, headers);
  await pipeline(answer, reply.stream);
}

interface Answered {
  readonly answer: IncomingMessage;
  /** The pod changed to the protocol: what it says from now on, and what it has said already. */
  readonly changed?: { readonly connection: Duplex; readonly head: Buffer };
}

function passedOn(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !ofConnection.has(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}
