import type { PatchType, ResourceRequest, WatchRequest } from "./request.ts";

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
}

const methods = {
  get: "GET",
  list: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETE",
} as const satisfies Record<ResourceRequest["verb"], string>;

const patchTypes: Record<PatchType, string> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** Kubernetes docs, "API concepts", sections "Resource URIs" and "Common parameters". */
export function encodeRequest(request: ResourceRequest): WireRequest {
  const { verb, options = {}, body, patch } = request;
  const { dryRun, preconditions, gracePeriodSeconds, propagationPolicy, query: more, ...query } = options;
  const path = withQuery(pathOf(request), { ...query, ...more, dryRun: dryRun ? "All" : undefined });
  const method = methods[verb];
  if (patch) return { method, path, contentType: patchTypes[patch.type], body: JSON.stringify(patch.document) };
  if (verb === "delete" || verb === "deletecollection") {
    const wishes = { gracePeriodSeconds, propagationPolicy, preconditions };
    const asked = { kind: "DeleteOptions", apiVersion: "v1", ...body, ...wishes, ...(dryRun && { dryRun: ["All"] }) };
    return { method, path, contentType: "application/json", body: JSON.stringify(asked) };
  }
  return body ? { method, path, contentType: "application/json", body: JSON.stringify(body) } : { method, path };
}

/** Asks what a version of a group serves. */
export function encodeDiscovery(group: string, version: string): WireRequest {
  return {
    method: "GET",
    path: `/${(group ? ["apis", group, version] : ["api", version]).map(encodeURIComponent).join("/")}`,
  };
}

export function encodeWatch(request: WatchRequest): WireRequest {
  const { labelSelector, fieldSelector, resourceVersion, sendInitialEvents } = request;
  const initial = sendInitialEvents ? { sendInitialEvents, resourceVersionMatch: "NotOlderThan" } : {};
  const query = { watch: true, allowWatchBookmarks: true, labelSelector, fieldSelector, resourceVersion, ...initial };
  return { method: "GET", path: withQuery(pathOf(request), query) };
}

function pathOf(place: {
  group: string;
  version: string;
  resource: string;
  namespace?: string | undefined;
  name?: string | undefined;
  subresource?: string | undefined;
}): string {
  const { group, version, resource, namespace, name, subresource } = place;
  const root = group ? ["apis", group, version] : ["api", version];
  const scope = namespace ? ["namespaces", namespace] : [];
  const rest = [resource, ...(name ? [name] : []), ...(subresource ? subresource.split("/") : [])];
  return `/${[...root, ...scope, ...rest].map(encodeURIComponent).join("/")}`;
}

function withQuery(path: string, parameters: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== "") query.append(name, String(value));
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}
