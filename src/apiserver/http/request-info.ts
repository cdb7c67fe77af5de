import { flag } from "./query.ts";

/** What a request's method and path ask for (Kubernetes docs, "Authorization", section "Determine the request verb"). */
export interface RequestInfo {
  readonly isResource: boolean;
  readonly path: string;
  /** Of a resource: as RBAC knows it; otherwise the method in lower case. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource in the path. */
  readonly rest: string;
  /** How many parts of the path were there behind the version (and the namespace). */
  readonly depth: number;
}

const verbs: Record<string, string> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

const longVerbs = new Set(["watch", "proxy"]);
const longSubresources = new Set(["attach", "exec", "portforward", "proxy", "log"]);

/** Whether a request lasts for as long as somebody listens. */
export function isLongRunning({ verb, subresource, path }: RequestInfo): boolean {
  return longVerbs.has(verb) || longSubresources.has(subresource) || path.startsWith("/debug/pprof/");
}

/** The same of a request as it came. */
export function infoOf(method: string | undefined, path: string, query: URLSearchParams): RequestInfo {
  const watching = query.size > 0 && (flag(query, "watch") ?? false);
  return requestInfo(method ?? "GET", path, {
    watching,
    onlyName: onlyNameIn(query.get("fieldSelector") ?? undefined),
  });
}

/** `path` without the query; `watching` and `nameOnly` come from it. */
export function requestInfo(
  method: string,
  path: string,
  query: { readonly watching: boolean; readonly onlyName: string | undefined },
): RequestInfo {
  const parts = decoded(path).split("/"); // "", "api", "v1", ... or "", "apis", GROUP, VERSION, ...
  if (parts.at(-1) === "") parts.pop();
  const isCore = parts[1] === "api";
  if (!isCore && parts[1] !== "apis") return nonResource(method, path);
  const group = isCore ? "" : parts[2];
  const version = isCore ? parts[2] : parts[3];
  let at = isCore ? 3 : 4;
  if (group === undefined || (group === "" && !isCore)) return nonResource(method, path);
  if (!version || parts.length <= at) return nonResource(method, path);

  let verb = verbs[method] ?? "";
  if (parts[at] === "watch" && parts.length > at + 1) {
    verb = "watch";
    at++;
  }
  let namespace = "";
  if (parts[at] === "namespaces" && parts.length > at + 1) {
    namespace = parts[at + 1] ?? "";
    // /namespaces/NAME, its status and its finalize are about the namespace itself.
    const [behind, last] = [parts.length - at, parts[at + 2]];
    if (behind > 2 && !(behind === 3 && (last === "status" || last === "finalize"))) at += 2;
  }
  const name = parts[at + 1] ?? "";
  if (name === "" && (verb === "get" || verb === "delete")) {
    verb = verb === "delete" ? "deletecollection" : query.watching ? "watch" : "list";
  }
  const isList = verb === "list" || verb === "watch";
  return {
    isResource: true,
    path,
    verb,
    group,
    version,
    namespace,
    resource: parts[at] ?? "",
    // A list of one name is authorized as that name's.
    name: name || (isList ? (query.onlyName ?? "") : ""),
    subresource: parts[at + 2] ?? "",
    rest: parts.length > at + 3 ? parts.slice(at + 3).join("/") : "",
    depth: parts.length - at,
  };
}

function nonResource(method: string, path: string): RequestInfo {
  return {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    group: "",
    version: "",
    namespace: "",
    resource: "",
    name: "",
    subresource: "",
    rest: "",
    depth: 0,
  };
}

function decoded(part: string): string {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The one name that a field selector allows: who may read an object may also list and watch it alone. */
export function onlyNameIn(fieldSelector: string | undefined): string | undefined {
  return /(?:^|,)metadata\.name==?([^,!=]+)(?:,|$)/.exec(fieldSelector ?? "")?.[1];
}
