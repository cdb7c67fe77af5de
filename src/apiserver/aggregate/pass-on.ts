import type { ClientRequest, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { AnyObject, KubeObject } from "../../api/object.ts";
import type { ListOf, ResourceRequest } from "../../api/request.ts";
import { StatusError, statusErrorFrom } from "../../api/status.ts";
import { encodeRequest } from "../../api/wire-request.ts";
import { timeLimit } from "../../base/time-limit.ts";
import type { Exchange } from "../http/exchange.ts";
import { splitTarget } from "../http/query.ts";
import { requestInfo } from "../http/request-info.ts";
import type { UserInfo } from "../user.ts";
import type { ExtensionApi, Extensions, LocalApi } from "./extensions.ts";

/** Who asks, in the headers that extension servers believe when they come with the front proxy's certificate. */
function headersOf({ name, uid, groups, extra }: UserInfo): Record<string, string | string[]> {
  return {
    "x-remote-user": name,
    ...(uid && { "x-remote-uid": uid }),
    "x-remote-group": [...groups],
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [
        `x-remote-extra-${encodeURIComponent(key.toLowerCase())}`,
        [...values],
      ]),
    ),
  };
}

// What is between the client and this server only.
const ownHeaders =
  /^(?::|host$|connection$|keep-alive$|transfer-encoding$|upgrade$|te$|authorization$|impersonate-|x-remote-|http2-settings$)/;
const bodiless = new Set(["GET", "HEAD"]);

/** Passes a request on to the server behind an API, and its answer back, as they come. */
export async function passToExtension(
  extensions: Extensions,
  { api, user, exchange }: { api: ExtensionApi; user: UserInfo; exchange: Exchange },
): Promise<void> {
  if (api.local) return answerLocally(api.local, exchange);
  if (!(await extensions.answers(api))) return unavailable(exchange);
  const { incoming } = exchange;
  const outgoing = exchange.outgoing as ServerResponse;
  const method = incoming.method ?? "GET";
  const passed = Object.entries(incoming.headers).filter(
    ([name, value]) => value !== undefined && !ownHeaders.test(name),
  ) as [string, string | string[]][];
  const headers = { ...Object.fromEntries(passed), ...headersOf(user) };
  const write = (request: ClientRequest): void => void incoming.pipe(request);
  try {
    const response = await extensions.send(api, {
      method,
      path: incoming.url ?? "/",
      headers,
      signal: exchange.untilGone(),
      ...(!bodiless.has(method) && { write }),
    });
    const answered = Object.entries(response.headers).filter(([name]) => !ownHeaders.test(name));
    outgoing.writeHead(response.statusCode ?? 502, { ...exchange.headers(undefined), ...Object.fromEntries(answered) });
    await pipeline(response, outgoing);
  } catch (error) {
    // Once the answer has begun there is only one way left to say that it is not whole.
    if (outgoing.headersSent) outgoing.destroy();
    else if (!outgoing.destroyed) {
      exchange.warn(error instanceof Error ? error.message : String(error));
      unavailable(exchange);
    }
  }
}

function unavailable(exchange: Exchange): void {
  exchange.sendText(503, "service unavailable\n");
}

async function answerLocally(api: LocalApi, exchange: Exchange): Promise<void> {
  const { path, query } = splitTarget(exchange.incoming.url ?? "/");
  const { verb, resource, namespace, name, isResource } = requestInfo(exchange.incoming.method ?? "GET", path, {
    watching: query.get("watch") === "true",
    onlyName: undefined,
  });
  const question = {
    verb,
    resource,
    namespace: namespace || undefined,
    name: name || undefined,
    labelSelector: query.get("labelSelector") ?? "",
  };
  const { group, version, resources } = api;
  const answer = isResource
    ? await api.answer(question)
    : { kind: "APIResourceList", apiVersion: "v1", groupVersion: `${group}/${version}`, resources };
  exchange.sendText(200, JSON.stringify(answer), "application/json");
}

/** The same for a part of this process. */
export async function askExtension(
  extensions: Extensions,
  { api, user, request }: { api: ExtensionApi; user: UserInfo; request: ResourceRequest },
): Promise<KubeObject | ListOf<AnyObject>> {
  if (api.local) {
    const { verb, resource, namespace, name, options } = request;
    return api.local.answer({ verb, resource, namespace, name, labelSelector: options?.labelSelector ?? "" });
  }
  if (!(await extensions.answers(api))) throw unreachable();
  const { method, path, body, contentType = "application/json" } = encodeRequest(request);
  const headers = {
    ...headersOf(user),
    accept: "application/json",
    "content-type": contentType,
    // Node frames the body of a DELETE by itself in no way.
    ...(body !== undefined && { "content-length": String(Buffer.byteLength(body)) }),
  };
  using limit = timeLimit(askTimeoutMs);
  const { signal } = limit;
  const write = (sent: ClientRequest): void => void sent.end(body);
  try {
    const response = await extensions.send(api, {
      method,
      path,
      headers,
      signal,
      ...(body !== undefined && { write }),
    });
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const answer = jsonOf(text);
    if ((response.statusCode ?? 500) >= 400) throw statusErrorFrom(answer as never);
    return answer as KubeObject | ListOf<AnyObject>;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw unreachable();
  }
}

const unreachable = (): StatusError =>
  new StatusError("ServiceUnavailable", "the server is currently unable to handle the request");

const askTimeoutMs = 30_000;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { kind: "Status", message: text.trim() }; // an answer that is no JSON says itself what is wrong
  }
}
