import { badRequest } from "../../api/status.ts";
import { upgradeHeader } from "../../api/streams.ts";
import { admitConnect } from "../admit/actions.ts";
import type { Call } from "../call.ts";
import { readBody } from "../http/body.ts";
import type { Incoming } from "../http/exchange.ts";
import { splitTarget } from "../http/query.ts";
import type { NodeDialer, NodeResponse } from "../node-dialer.ts";
import type { Registry } from "../registry/deps.ts";
import type { Action } from "./action.ts";
import { openNode, passOn } from "./node-stream.ts";
import { proxiedAnswer } from "./proxied-answer.ts";
import { type ProxyTarget, proxyTarget } from "./proxy-target.ts";

/**
 * Passes requests on to nodes, pods and Services (Kubernetes docs, "Access Services Running on Clusters"). All of them go
 * through the node that is meant, or on which a pod runs: the server need not reach the pod network itself.
 */
export function proxies({ registry, nodes }: { readonly registry: Registry; readonly nodes: NodeDialer }): Action {
  return {
    async stream(call, exchange, rest) {
      const { incoming } = exchange;
      const asked = askedOf(incoming);
      const target = await admittedTarget(registry, call, rest);
      // Relative links of a page at the proxy's own path would lead beside it.
      if (asked.path === "" && isRead(incoming.method))
        return exchange.write(301, { ...exchange.headers(undefined), location: `${asked.prefix}/${asked.query}` }, []);
      const body = isRead(incoming.method) ? Buffer.alloc(0) : await readBody(incoming);
      const request = { ...nodeRequest(target, incoming), body };
      const answer = await openNode(nodes, target.node, request, exchange.untilGone());
      const source = target.pod ? `${target.pod.address}:${target.pod.port}` : "";
      await passOn(exchange, proxiedAnswer(answer, { prefix: asked.prefix, host: hostOf(incoming), source }));
    },
  };
}

/** The same for a request that wishes to change to another protocol: resolves when the one behind the proxy has answered. */
export async function openProxied(
  { registry, nodes }: { readonly registry: Registry; readonly nodes: NodeDialer },
  { call, rest, incoming }: { readonly call: Call; readonly rest: string; readonly incoming: Incoming },
  signal: AbortSignal,
): Promise<NodeResponse> {
  const target = await admittedTarget(registry, call, rest);
  if (!target.pod) throw badRequest("a node's own streams are under exec, attach and portforward of its pods");
  const { headers, ...request } = nodeRequest(target, incoming);
  const protocol = String(incoming.headers.upgrade);
  return openNode(nodes, target.node, { ...request, headers: { ...headers, [upgradeHeader]: protocol } }, signal);
}

async function admittedTarget(registry: Registry, call: Call, rest: string): Promise<ProxyTarget> {
  const target = proxyTarget(registry, call);
  await admitConnect(registry, call, new URLSearchParams({ path: `/${rest}` }));
  return target;
}

function nodeRequest(target: ProxyTarget, incoming: Incoming) {
  const { path, query } = askedOf(incoming);
  return {
    method: incoming.method ?? "GET",
    path: nodePath(target, path || "/") + query,
    headers: passedOn(incoming),
  };
}

const isRead = (method = "GET"): boolean => method === "GET" || method === "HEAD";

interface Asked {
  /** The path of the proxy subresource. */
  readonly prefix: string;
  /** What follows it, as it came: its escapes are the business of whoever is behind the proxy. */
  readonly path: string;
  /** With its "?", or empty. */
  readonly query: string;
}

function askedOf({ url = "" }: Incoming): Asked {
  const { path } = splitTarget(url);
  const [, prefix = path, rest = ""] = /^(.*?\/(?:pods|services|nodes)\/[^/]+\/proxy)(\/.*)?$/.exec(path) ?? [];
  return { prefix, path: rest, query: url.slice(path.length) };
}

/** The path on the node, which knows how to reach its pods. */
function nodePath({ pod, scheme }: ProxyTarget, path: string): string {
  return pod ? `/podProxy/${pod.namespace}/${pod.name}/${scheme}/${pod.port}${path}` : path;
}

const hostOf = ({ headers }: Incoming): string => String(headers[":authority"] ?? headers.host ?? "");

/** The client's headers, without what is for the API server alone. */
function passedOn(incoming: Incoming): Record<string, string> {
  const kept = Object.entries(incoming.headers).filter(
    (header): header is [string, string] =>
      typeof header[1] === "string" && !/^(:|connection$|upgrade$|authorization$|impersonate-)/.test(header[0]),
  );
  const { path } = splitTarget(incoming.url ?? "");
  const from = [incoming.headers["x-forwarded-for"], incoming.socket?.remoteAddress].filter(Boolean).join(", ");
  return { ...Object.fromEntries(kept), host: hostOf(incoming), "x-forwarded-uri": path, "x-forwarded-for": from };
}
