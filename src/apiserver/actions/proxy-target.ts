import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { service } from "../../api/kinds/core/service.ts";
import type { Pod, Service } from "../../api/schema/types.ts";
import { badRequest, notFound, StatusError } from "../../api/status.ts";
import { slicesOf } from "../aggregate/reach.ts";
import type { Call } from "../call.ts";
import type { Registry } from "../registry/deps.ts";
import { committedObject } from "../registry/objects.ts";

/** Where a proxied request goes: to a pod by way of its node, or to the node itself. */
export interface ProxyTarget {
  readonly node: string;
  readonly scheme: "http" | "https";
  /** Absent: the node's own API is meant. */
  readonly pod?: {
    readonly namespace: string;
    readonly name: string;
    readonly address: string;
    readonly port: string;
  };
}

/**
 * Finds what a call to a proxy subresource means. Its name is "name", "name:port" or "scheme:name:port" (Kubernetes docs,
 * "Access Services Running on Clusters").
 * @throws {StatusError} BadRequest, NotFound, ServiceUnavailable where no pod of a Service is ready
 */
export function proxyTarget(registry: Registry, call: Call): ProxyTarget {
  const { resource, name = "" } = call;
  const find = { nodes: nodeTarget, pods: podTarget, services: serviceTarget }[resource.bucket];
  if (!find) throw notFound(resource.name, name);
  return find(registry, call, parts(resource.kind.kind, name));
}

interface Parts {
  readonly scheme: "http" | "https";
  readonly id: string;
  readonly port: string;
}

function parts(kind: string, name: string): Parts {
  const split = name.split(":");
  const [scheme = "", id = "", port = ""] = split.length > 2 ? split : ["", ...split];
  if (split.length > 3 || id === "" || !["", "http", "https"].includes(scheme))
    throw badRequest(`invalid ${kind.toLowerCase()} request ${JSON.stringify(name)}`);
  return { scheme: scheme === "https" ? "https" : "http", id, port };
}

function nodeTarget({ store }: Registry, { resource }: Call, { id, scheme }: Parts): ProxyTarget {
  if (!committedObject(store, node, { name: id })) throw notFound(resource.name, id);
  return { node: id, scheme };
}

function podTarget({ store }: Registry, { resource, namespace = "" }: Call, { id, scheme, port }: Parts): ProxyTarget {
  const found = committedObject(store, pod, { namespace, name: id });
  if (!found) throw notFound(resource.name, id);
  const { spec, status } = found;
  if (!spec.nodeName || !status?.podIP) throw badRequest("address not allowed");
  const wanted = port || firstPort(found) || (scheme === "https" ? "443" : "80");
  return { node: spec.nodeName, scheme, pod: { namespace, name: id, address: status.podIP, port: wanted } };
}

/** The first port that a pod's containers name. */
function firstPort({ spec }: Pod): string | undefined {
  const port = spec?.containers?.flatMap(({ ports }) => ports ?? [])[0]?.containerPort;
  return port === undefined ? undefined : String(port);
}

function serviceTarget(registry: Registry, { resource, namespace = "" }: Call, wanted: Parts): ProxyTarget {
  const { store } = registry;
  const { id, scheme, port } = wanted;
  const found = committedObject(store, service, { namespace, name: id });
  if (!found) throw notFound(resource.name, id);
  const portName = /^\d+$/.test(port) ? nameOfPort(found, id, port) : port;
  const slices = slicesOf(store, namespace, id);
  // Kubernetes looks for the endpoints under the Service's name, and says that of what it does not find.
  if (slices.length === 0) throw notFound(resource.name, id);
  const choices = slices
    .flatMap(({ endpoints, ports }) => {
      const target = ports?.find(({ name = "" }) => name === portName)?.port;
      const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
      return target === undefined ? [] : ready.map((endpoint) => ({ endpoint, port: String(target) }));
    })
    .filter(({ endpoint: { nodeName, targetRef } }) => nodeName && targetRef?.kind === "Pod" && targetRef.name);
  const choice = choices[Math.floor(Math.random() * choices.length)];
  if (!choice) throw new StatusError("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(id)}`);
  const { nodeName = "", targetRef, addresses: [address = ""] = [] } = choice.endpoint;
  return { node: nodeName, scheme, pod: { namespace, name: targetRef?.name ?? "", address, port: choice.port } };
}

function nameOfPort({ spec }: Service, service: string, number: string): string {
  const found = spec?.ports?.find(({ port }) => String(port) === number);
  if (found) return found.name ?? "";
  throw new StatusError("ServiceUnavailable", `no service port ${number} found for service ${JSON.stringify(service)}`);
}
