import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { StatusError, statusErrorFrom } from "../../api/status.ts";
import type { Exchange } from "../http/exchange.ts";
import type { NodeDialer, NodeRequest, NodeResponse } from "../node-dialer.ts";

/** Opens a stream to a node. @throws {StatusError} where the node cannot be reached */
export async function openNode(
  nodes: NodeDialer,
  node: string,
  request: NodeRequest,
  signal: AbortSignal,
): Promise<NodeResponse> {
  try {
    return await nodes.open(node, request, signal);
  } catch (error) {
    throw new StatusError("InternalError", `Internal error occurred: ${(error as Error).message}`, {
      causes: [{ message: (error as Error).message }],
    });
  }
}

// What concerns one connection only does not travel from one to the next (RFC 9110, section 7.6.1).
const ofOneConnection = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"]);

/** Passes a node's answer on, as it comes. Ends when either side does. */
export async function passOn(exchange: Exchange, { status, headers, stream }: NodeResponse): Promise<void> {
  const outgoing = exchange.outgoing as ServerResponse;
  const own = exchange.headers(undefined);
  const passed = Object.entries(headers).filter(([name]) => !name.startsWith(":") && !ofOneConnection.has(name));
  outgoing.writeHead(status, { ...own, ...Object.fromEntries(passed) });
  outgoing.flushHeaders?.();
  try {
    await pipeline(stream, outgoing);
  } catch {
    // One side is gone: there is nobody to tell.
    stream.destroy();
    outgoing.destroy();
  }
}

/** Reads a refusal of the node's, which is a Status where the node made it. */
export async function refusalOf({ status, stream }: NodeResponse): Promise<StatusError> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  try {
    return statusErrorFrom(JSON.parse(text));
  } catch {
    return new StatusError(undefined, text.trim() || `the node answered ${status}`, undefined, status);
  }
}
