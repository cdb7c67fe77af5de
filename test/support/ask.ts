import type { IncomingHttpHeaders } from "node:http";
import https from "node:https";
import { adminToken } from "./api-server.ts";

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface AskOptions {
  readonly token?: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request over HTTP/1.1 to a server in this process, as the superuser unless another token is given. */
export function ask(
  url: string,
  method: string,
  path: string,
  { token = adminToken.token, body, type = "application/json", headers = {} }: AskOptions = {},
): Promise<Reply> {
  const sent = { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": type }), ...headers };
  return new Promise((resolve, reject) => {
    const request = https.request(url + path, { method, headers: sent, rejectUnauthorized: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString() }),
      );
    });
    request.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}
