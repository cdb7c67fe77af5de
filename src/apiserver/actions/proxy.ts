import type { AnyObject } from "../../api/object.ts";
import { badRequest, notFound, StatusError } from "../../api/status.ts";
import { admitConnect } from "../admit/actions.ts";
import type { Call } from "../call.ts";
import { readBody } from "../http/body.ts";
import type { Exchange } from "../http/exchange.ts";
import { splitTarget } from "../http/query.ts";
import type { NodeDialer } from "../node-dialer.ts";
import type { Registry } from "../registry/deps.ts";
import { heldObject } from "../registry/held.ts";
import type { Action } from "./action.ts";
import { openNode, passOn, untilGone } from "./node-stream.ts";
import { throughProxy } from "./proxied-answer.ts";

interface Target {
  readonly node: string;
  /** The path on the node, which knows how to reach its pods. */
  readonly path: string;
  /** The address and port of what answers there; "" for the node itself. */
  readonly host: string;
}

/**
 * Passes requests on to nodes, pods and Services (Kubernetes docs, "Access Services Running on Clusters"). All of them go
 * through the node that is meant, or on which a pod runs: the server need not reach the pod network itself.
 */
export function proxies({ registry, nodes }: { readonly registry: Registry; readonly nodes: NodeDialer }): Action {
  return {
    async stream(call, exchange, rest) {
      const target = targetOf(registry, call, rest);
      const { incoming } = exchange;
      const { path, query } = splitTarget(incoming.url ?? "");
      await admitConnect(registry, call, new URLSearchParams({ path: `/${rest}` }));
      const prefix = prefixOf(path, rest);
      const suffix = query.size > 0 ? `?${query}` : "";
      if (rest === "" && !path.endsWith("/") && isRead(exchange)) {
        // Relative links of the page would lead past the proxy.
        exchange.setHeader("location", `${path}/${suffix}`);
        return exchange.sendText(301, "");
      }
      const headers = Object.fromEntries(
        Object.entries(incoming.headers).flatMap(([name, value]) =>
          typeof value === "string" && !/^(:|host$|connection$|authorization$|impersonate-)/.test(name)
            ? [[name, value]]
            : [],
        ),
      );
      const request = {
        method: incoming.method ?? "GET",
        path: target.path + suffix,
        headers: { ...headers, "x-forwarded-uri": `${prefix}/${rest}` },
        body: await bodyOf(exchange),
      };
      const answer = await openNode(nodes, target.node, request, untilGone(exchange));
      const requestHost = incoming.headers[":authority"] ?? incoming.headers.host ?? "";
      await passOn(
        exchange,
        await throughProxy(answer, { prefix, sourceHost: target.host, requestHost: String(requestHost) }),
      );
    },
  };
}

/** What of the request's path is not the target's own. */
function prefixOf(path: string, rest: string): string {
  const decoded = decodeURIComponent(path);
  const whole = decoded.endsWith(`/${rest}`) ? decoded.slice(0, -rest.length - 1) : decoded;
  return whole.replace(/\/$/, "");
}

const isRead = ({ incoming }: Exchange): boolean => incoming.method === "GET" || incoming.method === "HEAD";

async function bodyOf(exchange: Exchange): Promise<Buffer> {
  return isRead(exchange) ? Buffer.alloc(0) : readBody(exchange.incoming);
}

function targetOf(registry: Registry, call: Call, rest: string): Target {
  const { resource, name = "" } = call;
  switch (resource.bucket) {
    case "nodes":
      return nodeTarget(registry, call, rest);
    case "pods":
      return podTarget(registry, call, rest);
    case "services":
      return serviceTarget(registry, call, rest);
    default:
      throw notFound(resource.name, name);
  }
}

/** "scheme:name:port", "name:port" or "name". @throws {StatusError} BadRequest for anything else */
function parts({ resource, name = "" }: Call): { readonly scheme: string; readonly id: string; readonly port: string } {
  const all = name.split(":");
  const [scheme = "", id = "", port = ""] = all.length === 3 ? all : ["", ...all];
  if (all.length > 3 || id === "" || !["", "http", "https"].includes(scheme))
    throw badRequest(`invalid ${resource.bucket.slice(0, -1)} request ${JSON.stringify(name)}`);
  return { scheme, id, port };
}

function nodeTarget({ store }: Registry, call: Call, rest: string): Target {
  const { resource } = call;
  const { id } = parts(call);
  if (!store.get(`/nodes/${id}`)) throw notFound(resource.name, id);
  return { node: id, path: `/${rest}`, host: "" };
}

function podTarget({ store }: Registry, call: Call, rest: string): Target {
  const { resource, namespace = "" } = call;
  const { scheme, id, port } = parts(call);
  const entry = store.get(`/pods/${namespace}/${id}`);
  if (!entry) throw notFound(resource.name, id);
  const pod = heldObject(entry);
  const { nodeName } = (pod.spec ?? {}) as { nodeName?: string };
  const { podIP } = (pod.status ?? {}) as { podIP?: string };
  if (!nodeName || !podIP) throw badRequest("address not allowed");
  return atPod({ node: nodeName, namespace, pod: id, address: podIP }, scheme, port || firstPort(pod) || "80", rest);
}

/** The first port that a pod's containers name. */
function firstPort({ spec }: AnyObject): string | undefined {
  const { containers = [] } = (spec ?? {}) as { containers?: { ports?: { containerPort: number }[] }[] };
  const port = containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  return port === undefined ? undefined : String(port);
}

interface PodPlace {
  readonly node: string;
  readonly namespace: string;
  readonly pod: string;
  readonly address: string;
}

function atPod({ node, namespace, pod, address }: PodPlace, scheme: string, port: string, rest: string): Target {
  const where = scheme === "https" ? `https:${port}` : port;
  return { node, path: `/podProxy/${namespace}/${pod}/${where}/${rest}`, host: `${address}:${port}` };
}

interface Slice extends AnyObject {
  endpoints?: {
    addresses?: string[];
    conditions?: { ready?: boolean };
    nodeName?: string;
    targetRef?: { kind?: string; name?: string };
  }[];
  ports?: { name?: string; port?: number }[];
}

function serviceTarget({ store }: Registry, call: Call, rest: string): Target {
  const { resource, namespace = "", name = "" } = call;
  const { scheme, id, port } = parts(call);
  const entry = store.get(`/services/${namespace}/${id}`);
  if (!entry) throw notFound(resource.name, id);
  const { ports = [] } = (heldObject(entry).spec ?? {}) as { ports?: { name?: string; port: number }[] };
  const wanted = ports.find((candidate) => port === "" || candidate.name === port || String(candidate.port) === port);
  const slices = store
    .list(`/endpointslices.discovery.k8s.io/${namespace}/`)
    .entries.map((found) => heldObject(found) as Slice)
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === id);
  const choices = slices.flatMap((slice) => {
    const target = slice.ports?.find((candidate) => (candidate.name ?? "") === (wanted?.name ?? ""));
    const ready = (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return target?.port === undefined ? [] : ready.map((endpoint) => ({ endpoint, port: target.port }));
  });
  if (!wanted || slices.length === 0) throw notFound(resource.name, id);
  const choice = choices[Math.floor(Math.random() * choices.length)];
  const { nodeName, targetRef, addresses: [address = ""] = [] } = choice?.endpoint ?? {};
  if (!choice || !nodeName || !targetRef?.name)
    throw new StatusError("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(name)}`);
  return atPod({ node: nodeName, namespace, pod: targetRef.name, address }, scheme, String(choice.port), rest);
}
