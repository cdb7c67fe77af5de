import type { IncomingHttpHeaders } from "node:http2";
import type { AnyObject, KubeObject } from "../api/object.ts";
import type { DiscoveredResource, ListOf, ResourceRequest, WatchEvent, WatchRequest } from "../api/request.ts";
import { type Status, StatusError, statusErrorFrom } from "../api/status.ts";
import { encodeDiscovery, encodeRequest, encodeWatch, type WireRequest } from "../api/wire-request.ts";
import type { Clock } from "../base/clock.ts";
import { type Credentials, Session } from "./http/session.ts";
import { ServerList } from "./server-list.ts";
import type { Transport } from "./transport.ts";

export interface HttpTransportOptions {
  /** "https://192.0.2.1:6443", or several of which one that answers is used. */
  readonly server: string | ServerList;
  /** The certificate authority (PEM) that the server's certificate must come from; asked at every new connection. */
  readonly ca: string | (() => string);
  /** The name that the server's certificate must carry; absent: the host of its address. */
  readonly serverName?: string | undefined;
  /** Asked at every new connection, so that renewed certificates and tokens are used without a restart. */
  readonly credentials: () => Credentials;
  readonly clock: Clock;
  /** After this long without a word the server is asked whether it is there. */
  readonly silenceMs?: number | undefined;
}

export interface HttpTransport extends Transport, AsyncDisposable {
  /** Opens a new connection for what comes next; what is under way ends on the old one. For new credentials. */
  reconnect(): void;
  /** The same, but what is under way fails at once: this machine has another address. */
  abandon(): void;
}

/** Reaches an API server over HTTPS (HTTP/2): one connection for everything, opened at the first request and again when it broke. */
export function openHttpTransport({ server, ca, ...options }: HttpTransportOptions): HttpTransport {
  const servers = typeof server === "string" ? new ServerList([server]) : server;
  const session = new Session({
    ...options,
    server: () => servers.current,
    unreachable: (gone) => servers.failed(gone),
    ca: typeof ca === "string" ? () => ca : ca,
  });

  async function send(request: WireRequest, signal?: AbortSignal) {
    const answer = await session.open(request, signal);
    if (answer.status < 400) return answer;
    throw errorFrom(answer.status, await text(answer.body), answer.headers);
  }
  return {
    async request(request: ResourceRequest, signal) {
      const { body } = await send(encodeRequest(request), signal);
      return freeze(withKinds(JSON.parse(await text(body))));
    },
    async *watch(request: WatchRequest, signal): AsyncGenerator<WatchEvent> {
      const { body } = await send(encodeWatch(request), signal);
      try {
        for await (const line of lines(body)) {
          const event = JSON.parse(line) as WatchEvent;
          if (event.type === "ERROR") throw statusErrorFrom(event.object as unknown as Partial<Status>);
          yield freeze(event);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        body.destroy();
      }
    },
    async discover(group, version, signal) {
      const { body } = await send(encodeDiscovery(group, version), signal);
      const { resources = [] } = JSON.parse(await text(body)) as { resources?: DiscoveredResource[] };
      return resources.filter(({ name }) => !name.includes("/"));
    },
    reconnect: () => session.retire(),
    abandon: () => session.abandon(),
    async [Symbol.asyncDispose]() {
      session.close();
    },
  };
}

function errorFrom(code: number, body: string, headers: IncomingHttpHeaders): StatusError {
  if (headers["content-type"]?.includes("json")) return statusErrorFrom(JSON.parse(body) as Partial<Status>);
  return new StatusError(undefined, body.trim() || `the server answered with ${code}`, undefined, code);
}

async function text(body: AsyncIterable<string>): Promise<string> {
  let whole = "";
  for await (const chunk of body) whole += chunk;
  return whole;
}

async function* lines(body: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of body) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line) yield line;
  }
}

/** Items of a list of a built-in kind do not say what they are; here every object does. */
function withKinds(answer: KubeObject & { items?: AnyObject[] }): KubeObject | ListOf<AnyObject> {
  if (!answer.kind?.endsWith("List") || !Array.isArray(answer.items)) return answer;
  const { apiVersion } = answer;
  const kind = answer.kind.slice(0, -"List".length);
  return {
    ...answer,
    items: answer.items.map((item) => ({ ...item, apiVersion, kind })),
  } as unknown as ListOf<AnyObject>;
}

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
