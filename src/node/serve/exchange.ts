import type { Duplex } from "node:stream";
import type { StatusError } from "../../api/status.ts";

/** A request of the API server's, as the tunnel brings it. */
export interface NodeRequest {
  readonly method: string;
  /** With query: "/containerLogs/default/web-x7/nginx?follow=true". */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the request is answered with. */
export interface NodeReply {
  /** Both directions. */
  readonly stream: Duplex;
  /** Aborted when the answer is not wanted any more. */
  readonly signal: AbortSignal;
  /** Sends the answer's head. Once. */
  respond(status: number, headers?: Readonly<Record<string, string>>): void;
}

export function sendJson({ stream, respond }: Pick<NodeReply, "stream" | "respond">, body: unknown): void {
  respond(200, { "content-type": "application/json" });
  stream.end(JSON.stringify(body));
}

export function sendText({ stream, respond }: Pick<NodeReply, "stream" | "respond">, text: string): void {
  respond(200, { "content-type": "text/plain; charset=utf-8" });
  stream.end(text);
}

export function sendError({ stream, respond }: Pick<NodeReply, "stream" | "respond">, error: StatusError): void {
  respond(error.code, { "content-type": "application/json" });
  stream.end(JSON.stringify(error.toStatus()));
}
