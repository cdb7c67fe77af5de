import type { Duplex } from "node:stream";

/**
 * The connection that an agent keeps open to a server, through which the server reaches the node. The agent dials; over
 * the one connection either side of HTTP/2 runs with its roles turned round: the server asks, the agent answers.
 */
export interface TunnelHub extends AsyncDisposable {
  /** Takes over a connection on which a node, already authenticated, has asked to become a tunnel. */
  accept(node: string, connection: Duplex): void;
  /** Whether a tunnel of this node is open. */
  has(node: string): boolean;
  /**
   * Opens a stream to the node, which may just be dialling: waits a few seconds for its tunnel. Resolves when the node has answered.
   * @throws {NoTunnel} when the node has not opened one
   */
  open(node: string, request: TunnelRequest, signal?: AbortSignal): Promise<TunnelResponse>;
}

export interface TunnelRequest {
  readonly method: string;
  /** With query. The paths are those of the kubelet ("/containerLogs/default/web-x7/nginx?follow=true"); see node/serve.ts. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** All that is to be sent: the node is told the end before it answers. Absent: `stream` is for sending too. */
  readonly body?: Buffer;
}

export interface TunnelResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Both directions; ends when the node ends it. */
  readonly stream: Duplex;
}

/** The agent's end: keeps a tunnel open to a server until disposed of; dials again when it breaks. */
export interface Tunnel extends AsyncDisposable {
  /** Resolves when the first connection is up. */
  readonly connected: Promise<void>;
}

export class NoTunnel extends Error {
  override readonly name = "NoTunnel";
  constructor(node: string) {
    super(`node ${node} has no tunnel open to this server`);
  }
}
