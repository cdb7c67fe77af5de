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

const none: RequestInfo = {
  isResource: false,
  path: "",
  verb: "",
  group: "",
  version: "",
  namespace: "",
  resource: "",
  name: "",
  subresource: "",
  rest: "",
  depth: 0,
};

/** `path` without the query; `watching` and `nameOnly` come from it. */
export function requestInfo(
  method: string,
  path: string,
  query: { readonly watching: boolean; readonly onlyName: string | undefined },
): RequestInfo {
  const nonResource: RequestInfo = { ...none, path, verb: method.toLowerCase() };
  const parts = decoded(path).split("/").slice(1);
  if (parts.at(-1) === "") parts.pop();
  const isCore = parts[0] === "api";
  if (!isCore && parts[0] !== "apis") return nonResource;
  const [group, version, behind] = isCore ? ["", parts[1], parts.slice(2)] : [parts[1], parts[2], parts.slice(3)];
  if (!group && !isCore) return nonResource;
  if (!version || behind.length === 0) return nonResource;

  let verb = verbs[method] ?? "";
  let rest = behind;
  if (rest[0] === "watch" && rest.length > 1) {
    verb = "watch";
    rest = rest.slice(1);
  }
  let namespace = "";
  if (rest[0] === "namespaces" && rest.length > 1) {
    namespace = rest[1] ?? "";
    // /namespaces/NAME, its status and its finalize are about the namespace itself.
    if (rest.length > 2 && !(rest.length === 3 && (rest[2] === "status" || rest[2] === "finalize")))
      rest = rest.slice(2);
  }
  const [resource = "", name = "", subresource = "", ...further] = rest;
  if (name === "" && (verb === "get" || verb === "delete")) {
    verb = verb === "delete" ? "deletecollection" : query.watching ? "watch" : "list";
  }
  const isList = verb === "list" || verb === "watch";
  return {
    isResource: true,
    path,
    verb,
    group: group ?? "",
    version,
    namespace,
    resource,
    // A list of one name is authorized as that name's.
    name: name || (isList ? (query.onlyName ?? "") : ""),
    subresource,
    rest: further.join("/"),
    depth: rest.length,
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
