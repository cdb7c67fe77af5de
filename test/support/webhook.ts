import type { IncomingMessage } from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { systemClock } from "../../src/base/clock.ts";
import { issueLeaf, makeAuthority } from "../../src/cluster/authority.ts";

/** What a webhook is asked, and what it answers: the `request` and the `response` of a review. */
export type Responder = (
  request: Record<string, never>,
  path: string,
  connection: Duplex,
) => unknown | Promise<unknown>;

export interface TestWebhook extends AsyncDisposable {
  readonly port: number;
  /** What a configuration says of who signed the webhook's certificate. */
  readonly caBundle: string;
  /** Where it is, for a configuration. */
  at(path: string): { readonly url: string; readonly caBundle: string };
}

/** A webhook on this machine's loopback address, reached there or as the Service hook.default.svc. */
export async function startWebhook(respond: Responder): Promise<TestWebhook> {
  const now = systemClock.now();
  const authority = await makeAuthority("webhook-test", now);
  const sans = ["127.0.0.1", "hook.default.svc", "in-pod.default.svc"];
  const { key, cert } = await issueLeaf(authority, { commonName: "hook", usage: "server", sans }, { nowMs: now });
  const server = https.createServer({ key, cert }, async (request, response) => {
    const text = await textOf(request);
    // Who asked does not wait any more.
    if (!request.complete) return;
    const review = JSON.parse(text);
    const { pathname } = new URL(request.url ?? "/", "https://hook");
    const answer = await respond(review.request, pathname, request.socket);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ kind: review.kind, apiVersion: review.apiVersion, response: answer }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(authority.cert).toString("base64");
  return {
    port,
    caBundle,
    at: (path) => ({ url: `https://127.0.0.1:${port}${path}`, caBundle }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What came of the body until it ended or was cut off. */
async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  request.on("error", () => {}).on("data", (part: Buffer) => parts.push(part));
  await new Promise((closed) => request.once("close", closed));
  return Buffer.concat(parts).toString();
}
