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

interface Target {
  readonly node: string;
  /** The path on the node, which knows how to reach its pods. */
  readonly path: string;
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
      const { query } = splitTarget(incoming.url ?? "");
      await admitConnect(registry, call, new URLSearchParams({ path: `/${rest}` }));
      const suffix = query.size > 0 ? `?${query}` : "";
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
        headers,
        body: await bodyOf(exchange),
      };
      await passOn(exchange, await openNode(nodes, target.node, request, untilGone(exchange)));
    },
  };
}

async function bodyOf({ incoming }: Exchange): Promise<Buffer> {
  return incoming.method === "GET" || incoming.method === "HEAD" ? Buffer.alloc(0) : readBody(incoming);
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

/** "scheme:name:port", "name:port" or "name". */
function parts(name: string): { readonly id: string; readonly port: string } {
  const [first = "", second, third] = name.split(":");
  if (third !== undefined) return { id: second ?? "", port: third };
  return { id: first, port: second ?? "" };
}

function nodeTarget({ store }: Registry, { resource, name = "" }: Call, rest: string): Target {
  const { id } = parts(name);
  if (!store.get(`/nodes/${id}`)) throw notFound(resource.name, id);
  return { node: id, path: `/${rest}` };
}

function podTarget({ store }: Registry, { resource, namespace = "", name = "" }: Call, rest: string): Target {
  const { id, port } = parts(name);
  const entry = store.get(`/pods/${namespace}/${id}`);
  if (!entry) throw notFound(resource.name, id);
  const pod = heldObject(entry);
  const { nodeName } = (pod.spec ?? {}) as { nodeName?: string };
  const { podIP } = (pod.status ?? {}) as { podIP?: string };
  if (!nodeName || !podIP) throw badRequest("address not allowed");
  return { node: nodeName, path: podPath(namespace, id, port || firstPort(pod) || "80", rest) };
}

/** The first port that a pod's containers name. */
function firstPort({ spec }: AnyObject): string | undefined {
  const { containers = [] } = (spec ?? {}) as { containers?: { ports?: { containerPort: number }[] }[] };
  const port = containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  return port === undefined ? undefined : String(port);
}

function podPath(namespace: string, pod: string, port: string, rest: string): string {
  return `/podProxy/${namespace}/${pod}/${port}/${rest}`;
}

interface Slice extends AnyObject {
  endpoints?: { conditions?: { ready?: boolean }; nodeName?: string; targetRef?: { kind?: string; name?: string } }[];
  ports?: { name?: string; port?: number }[];
}

function serviceTarget({ store }: Registry, { resource, namespace = "", name = "" }: Call, rest: string): Target {
  const { id, port } = parts(name);
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
  const { nodeName, targetRef } = choice?.endpoint ?? {};
  if (!choice || !nodeName || !targetRef?.name)
    throw new StatusError("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(name)}`);
  return { node: nodeName, path: podPath(namespace, targetRef.name, String(choice.port), rest) };
}
