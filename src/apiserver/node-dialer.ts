import type { Duplex } from "node:stream";

/** How the API server reaches nodes: for logs, exec, metrics and proxies. The tunnel's hub is one. */
export interface NodeDialer {
  /** Whether the node can be reached now. */
  has(node: string): boolean;
  /** Opens a stream to the node, which may just be coming back; resolves when the node has answered. */
  open(node: string, request: NodeRequest, signal?: AbortSignal): Promise<NodeResponse>;
}

export interface NodeRequest {
  readonly method: string;
  /** With query; a path of the kubelet's ("/containerLogs/default/web-x7/nginx?follow=true"). */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** All that is to be sent: the node is told the end before it answers. Absent: `stream` is for sending too. */
  readonly body?: Buffer;
}

export interface NodeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Both directions; ends when the node ends it. */
  readonly stream: Duplex;
}
