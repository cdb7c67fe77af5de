import type { Subresource, Verb } from "../../api/kind.ts";
import { badRequest, notFound, StatusError } from "../../api/status.ts";
import { pathSegment } from "../../api/validate/names.ts";
import type { Catalog, Resource } from "../registry/resources.ts";
import type { RequestInfo } from "./request-info.ts";

/** What a request on a resource is to do. */
export interface Route {
  readonly resource: Resource;
  readonly subresource: Subresource | undefined;
  readonly verb: Verb;
}

export function unknownResource(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", {});
}

export function methodNotAllowed(): StatusError {
  return new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

/** @throws {StatusError} NotFound, MethodNotAllowed */
export function routeOf(catalog: Catalog, info: RequestInfo, method: string): Route {
  const { group, version, resource: plural, namespace, name, depth } = info;
  const resource = catalog.find(group, version, plural);
  if (!resource) throw unknownResource();
  const { kind } = resource;
  const inNamespace = namespace !== "" && !(plural === "namespaces" && kind.scope === "Cluster");
  if (inNamespace && kind.scope === "Cluster") throw unknownResource();
  if (depth > 1 && kind.scope === "Namespaced" && !inNamespace) throw unknownResource();
  if (depth > 1 && kind.action && !kind.verbs.includes("get")) throw unknownResource();
  const subresource = subresourceOf(resource, info);
  if (method === "HEAD" && subresource?.sort !== "action") throw methodNotAllowed();
  if (depth === 1 && kind.scope === "Namespaced" && !inNamespace && method !== "GET") throw methodNotAllowed();
  const allowed = subresource ? subresource.verbs : kind.verbs;
  // OPTIONS has no verb; what it is to mean, the pod or node behind a proxy knows.
  const isProxied = subresource?.sort === "action" && subresource.action === "proxy";
  const verb = (method === "OPTIONS" && isProxied ? "get" : info.verb) as Verb;
  if (!allowed.includes(verb) || !fits(verb, depth)) throw methodNotAllowed();
  if (name && depth > 1)
    for (const wrong of pathSegment(name))
      throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${wrong}`);
  return { resource, subresource, verb };
}

function subresourceOf({ kind, custom, name: resource }: Resource, info: RequestInfo): Subresource | undefined {
  const { depth, subresource, name } = info;
  if (depth < 3) return undefined;
  const found = kind.subresources[subresource];
  if (!found && custom) throw notFound(resource, name);
  if (!found || (depth > 3 && !(found.sort === "action" && found.action === "proxy"))) throw unknownResource();
  return found;
}

/** Whether a verb is one of collections or of single objects. */
function fits(verb: Verb, depth: number): boolean {
  if (depth > 2) return true;
  const ofCollection = verb === "list" || verb === "deletecollection" || verb === "create";
  return verb === "watch" || ofCollection === (depth === 1);
}
