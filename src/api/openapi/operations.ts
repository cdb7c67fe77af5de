import type { Kind, Subresource } from "../kind.ts";
import { typeOfKind } from "../schema/table.ts";
import type { JSONSchemaProps } from "../schema/types.ts";

/** What the documents need to know of a kind. `schema` is that of a custom resource; absent, the type is in the table. */
export type PublishedKind = Pick<
  Kind,
  "group" | "version" | "kind" | "plural" | "scope" | "verbs" | "subresources" | "type"
> & {
  readonly schema?: JSONSchemaProps | undefined;
  readonly strategy?: { readonly deletion?: { readonly answersObject?: boolean } | undefined };
};

/** A path and what can be done there, before it is written in either version of OpenAPI. */
export interface PathModel {
  readonly path: string;
  readonly operations: readonly OperationModel[];
}

export type Method = "get" | "put" | "post" | "delete" | "options" | "head" | "patch";

export interface OperationModel {
  readonly method: Method;
  readonly id: string;
  readonly description: string;
  readonly action?: string;
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly parameters: readonly string[];
  /** The type of the body; "patch" stands for the four sorts of patches. */
  readonly body?: { readonly type: string; readonly required: boolean; readonly isPatch?: boolean };
  /** The type of the answer; undefined: a text. */
  readonly answer?: string | undefined;
  readonly codes: readonly number[];
  readonly streams?: boolean;
  /** Of a custom resource: no protobuf, no strategic merge patch. */
  readonly isCustom?: boolean;
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const listParameters = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "shardSelector",
  "timeoutSeconds",
  "watch",
];
const deleteParameters = [
  "dryRun",
  "gracePeriodSeconds",
  "ignoreStoreReadErrorWithClusterBreakingPotential",
  "orphanDependents",
  "propagationPolicy",
];
const writeParameters = ["dryRun", "fieldManager", "fieldValidation"];
const selection = listParameters.filter((name) => !["allowWatchBookmarks", "watch"].includes(name));
const collectionParameters = [...deleteParameters, ...selection].sort();

/** "rbac.authorization.k8s.io" is RbacAuthorization in the names of operations, "" is Core. */
export function groupName(group: string): string {
  return (group || "core")
    .replace(/\.k8s\.io$/, "")
    .split(/[.-]/)
    .map(capital)
    .join("");
}

/** "apps_v1": the group of operations in the documents. */
export function tagOf(group: string, version: string): string {
  const name = groupName(group);
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}_${version}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The name under which a kind's type is published. */
export function publishedType(kind: PublishedKind): string {
  if (!kind.schema) return kind.type;
  return `${kind.group.split(".").reverse().join(".")}.${kind.version}.${kind.kind}`;
}

export function rootOf(group: string, version: string): string {
  return group ? `/apis/${group}/${version}` : `/api/${version}`;
}

/**
 * What is said of an API beside its kinds, by the path of its document: "api", "apis", "apis/apps", "version". Undefined where
 * there is no such document.
 */
export function generalPath(document: string): PathModel | undefined {
  const read = (path: string, id: string, description: string, answer?: string): PathModel => ({
    path,
    operations: [{ method: "get", id, description, parameters: [], answer, codes: [200] }],
  });
  const group = /^apis\/([^/]+)$/.exec(document)?.[1];
  if (group)
    return read(`/apis/${group}/`, `get${groupName(group)}APIGroup`, "get information of a group", `${meta}.APIGroup`);
  switch (document) {
    case "api":
      return read("/api/", "getCoreAPIVersions", "get available API versions", `${meta}.APIVersions`);
    case "apis":
      return read("/apis/", "getAPIVersions", "get available API versions", `${meta}.APIGroupList`);
    case "version":
      return read(
        "/version/",
        "getCodeVersion",
        "get the version of this server",
        "io.k8s.apimachinery.pkg.version.Info",
      );
    case "openid/v1/jwks":
      return read(`/${document}/`, "getServiceAccountIssuerOpenIDKeyset", "get the keys of service account tokens");
    case ".well-known/openid-configuration":
      return read(
        `/${document}/`,
        "getServiceAccountIssuerOpenIDConfiguration",
        "get the issuer of service account tokens",
      );
    default:
      return undefined;
  }
}

/** All paths of the kinds of one group and version, in order. */
export function pathsOf(group: string, version: string, kinds: readonly PublishedKind[]): PathModel[] {
  const root = rootOf(group, version);
  const names = `${groupName(group)}${capital(version)}`;
  const discovery: PathModel = {
    path: `${root}/`,
    operations: [
      {
        method: "get",
        id: `get${names}APIResources`,
        description: "get available resources",
        parameters: [],
        answer: `${meta}.APIResourceList`,
        codes: [200],
      },
    ],
  };
  const isCustom = kinds.some(({ schema }) => schema);
  const all = [...(isCustom ? [] : [discovery]), ...kinds.flatMap((kind) => kindPaths(kind, root, names))];
  return all.filter(({ operations }) => operations.length).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function kindPaths(kind: PublishedKind, root: string, names: string): PathModel[] {
  const isNamespaced = kind.scope === "Namespaced";
  const collection = `${isNamespaced ? "/namespaces/{namespace}" : ""}/${kind.plural}`;
  const name = `${names}${isNamespaced ? "Namespaced" : ""}${kind.kind}`;
  const item = `${root}${collection}/{name}`;
  const path = isNamespaced ? ["namespace"] : [];
  const paths: PathModel[] = [
    { path: `${root}${collection}`, operations: collectionOperations(kind, name, path) },
    { path: item, operations: itemOperations(kind, name, ["name", ...path]) },
    ...Object.entries(kind.subresources).flatMap(([sub, subresource]) =>
      subresourcePaths(
        kind,
        { path: `${item}/${sub}`, name: `${name}${subName(sub)}`, kindName: kind.kind, sub: subName(sub) },
        subresource,
        ["name", ...path],
      ),
    ),
  ];
  if (isNamespaced && kind.verbs.includes("list")) {
    const everywhere = {
      ...operation(kind, "list", `${names}${kind.kind}ForAllNamespaces`, []),
      parameters: [...listParameters, "pretty"],
    };
    paths.push({ path: `${root}/${kind.plural}`, operations: [everywhere] });
  }
  return [...paths, ...watchPaths(kind, { root, collection, name, names }, path)];
}

function watchPaths(
  kind: PublishedKind,
  { root, collection, name, names }: { root: string; collection: string; name: string; names: string },
  path: readonly string[],
): PathModel[] {
  if (!kind.verbs.includes("watch") || kind.schema) return [];
  const watch = (id: string, parameters: readonly string[], action: string): OperationModel => ({
    method: "get",
    id,
    description: "watch changes. Deprecated: use the 'watch' parameter with a list operation instead.",
    action,
    kind: kindOf(kind),
    parameters: [...listParameters, ...parameters, "pretty"],
    answer: `${meta}.WatchEvent`,
    codes: [200],
    streams: true,
  });
  return [
    { path: `${root}/watch${collection}`, operations: [watch(`watch${name}List`, path, "watchlist")] },
    { path: `${root}/watch${collection}/{name}`, operations: [watch(`watch${name}`, ["name", ...path], "watch")] },
    ...(path.length
      ? [
          {
            path: `${root}/watch/${kind.plural}`,
            operations: [watch(`watch${names}${kind.kind}ListForAllNamespaces`, [], "watchlist")],
          },
        ]
      : []),
  ];
}

const kindOf = ({ group, version, kind }: PublishedKind) => ({ group, version, kind });

function collectionOperations(kind: PublishedKind, name: string, path: readonly string[]): OperationModel[] {
  const can = (verb: Kind["verbs"][number]): boolean => kind.verbs.includes(verb);
  return [
    ...(can("list") ? [operation(kind, "list", name, path)] : []),
    ...(can("create") ? [operation(kind, "create", name, path)] : []),
    ...(can("deletecollection") ? [operation(kind, "deletecollection", name, path)] : []),
  ];
}

function itemOperations(kind: PublishedKind, name: string, path: readonly string[]): OperationModel[] {
  const verbs = ["get", "update", "delete", "patch"] as const;
  return verbs.filter((verb) => kind.verbs.includes(verb)).map((verb) => operation(kind, verb, name, path));
}

type DocumentedVerb = "list" | "create" | "deletecollection" | "get" | "update" | "delete" | "patch";

function operation(
  kind: PublishedKind,
  verb: DocumentedVerb,
  name: string,
  path: readonly string[],
  type = publishedType(kind),
): OperationModel {
  const what = kind.kind;
  const parameters = (own: readonly string[]): string[] => [...own, ...path, "pretty"];
  const isCustom = kind.schema !== undefined;
  const base = { kind: kindOf(kind), answer: type, ...(isCustom && { isCustom }) };
  const options = { type: `${meta}.DeleteOptions`, required: false };
  switch (verb) {
    case "list":
      return {
        ...base,
        method: "get",
        id: `list${name}`,
        description: `${isCustom ? "list" : "list or watch"} objects of kind ${what}`,
        action: "list",
        parameters: parameters(listParameters),
        answer: `${type}List`,
        codes: [200],
        streams: true,
      };
    case "create":
      return {
        ...base,
        method: "post",
        id: `create${name}`,
        description: `create a ${what}`,
        action: "post",
        parameters: parameters(writeParameters),
        body: { type, required: true },
        codes: [200, 201, 202],
      };
    case "deletecollection":
      return {
        ...base,
        method: "delete",
        id: `delete${name.replace(/^(\w*?V\d+(?:alpha\d+|beta\d+)?)/, "$1Collection")}`,
        description: `delete collection of ${what}`,
        action: "deletecollection",
        parameters: parameters(isCustom ? listParameters : collectionParameters),
        ...(!isCustom && { body: options }),
        answer: `${meta}.Status`,
        codes: [200],
      };
    case "get":
      return {
        ...base,
        method: "get",
        id: `read${name}`,
        description: `read the specified ${what}`,
        action: "get",
        parameters: parameters(isCustom ? ["resourceVersion"] : []),
        codes: [200],
      };
    case "update":
      return {
        ...base,
        method: "put",
        id: `replace${name}`,
        description: `replace the specified ${what}`,
        action: "put",
        parameters: parameters(writeParameters),
        body: { type, required: true },
        codes: [200, 201],
      };
    case "delete":
      return {
        ...base,
        method: "delete",
        id: `delete${name}`,
        description: `delete a ${what}`,
        action: "delete",
        parameters: parameters(deleteParameters),
        body: options,
        answer: answersObject(kind) ? type : `${meta}.Status`,
        codes: [200, 202],
      };
    case "patch":
      return {
        ...base,
        method: "patch",
        id: `patch${name}`,
        description: `partially update the specified ${what}`,
        action: "patch",
        parameters: parameters([...writeParameters, "force"]),
        body: { type: `${meta}.Patch`, required: true, isPatch: true },
        codes: isCustom ? [200] : [200, 201],
      };
  }
}

/** Whether a delete is documented to answer with the object: of these two it does, and is not. */
function answersObject({ kind, strategy }: PublishedKind): boolean {
  return strategy?.deletion?.answersObject === true && kind !== "Namespace" && kind !== "ReplicationController";
}

interface SubPlace {
  readonly path: string;
  readonly name: string;
  readonly kindName: string;
  readonly sub: string;
}

function subName(sub: string): string {
  return sub.split("/").map(capital).join("");
}

function subresourcePaths(
  kind: PublishedKind,
  at: SubPlace,
  subresource: Subresource,
  path: readonly string[],
): PathModel[] {
  if (subresource.sort === "action") return actionPaths(kind, at, subresource, path);
  const type = subresource.sort === "scale" ? "io.k8s.api.autoscaling.v1.Scale" : publishedType(kind);
  const shown = subresource.sort === "scale" ? { ...kind, group: "autoscaling", version: "v1", kind: "Scale" } : kind;
  const verbs = (["get", "update", "patch"] as const).filter((verb) => subresource.verbs.includes(verb));
  return [{ path: at.path, operations: verbs.map((verb) => operation(shown, verb, at.name, path, type)) }];
}

const connectMethods: Partial<Record<Kind["verbs"][number], Method>> = {
  get: "get",
  update: "put",
  create: "post",
  delete: "delete",
  patch: "patch",
};
const proxyMethods: readonly Method[] = ["get", "put", "post", "delete", "options", "head", "patch"];

/** What can be said in the query of an action. */
const actionParameters: Record<string, readonly string[]> = {
  attach: ["container", "stderr", "stdin", "stdout", "tty"],
  exec: ["command", "container", "stderr", "stdin", "stdout", "tty"],
  portforward: ["ports"],
  proxy: ["path"],
  log: [
    "container",
    "follow",
    "insecureSkipTLSVerifyBackend",
    "limitBytes",
    "previous",
    "sinceSeconds",
    "stream",
    "tailLines",
    "timestamps",
  ],
};

function actionPaths(
  kind: PublishedKind,
  at: SubPlace,
  subresource: Extract<Subresource, { sort: "action" }>,
  path: readonly string[],
): PathModel[] {
  const what = {
    group: subresource.group ?? kind.group,
    version: subresource.version ?? kind.version,
    kind: subresource.kind,
  };
  const type = typeOfKind(what);
  if (subresource.kind.endsWith("Options")) return connectPaths(at, what, subresource, path);
  const operations = subresource.verbs.flatMap((verb): OperationModel[] => {
    if (verb !== "get" && verb !== "create" && verb !== "update") return [];
    const made = operation({ ...kind, ...what }, verb, at.name, path, type ?? publishedType(kind));
    if (subresource.action !== "log") return [made];
    return [{ ...made, answer: undefined, parameters: [...made.parameters, ...(actionParameters.log ?? [])] }];
  });
  return [{ path: at.path, operations }];
}

function connectPaths(
  at: SubPlace,
  what: { group: string; version: string; kind: string },
  subresource: Extract<Subresource, { sort: "action" }>,
  path: readonly string[],
): PathModel[] {
  const withMethod = (method: string, suffix: string): string => {
    const [, head = "", rest = ""] = /^(\w*?V\d+(?:alpha\d+|beta\d+)?)(\w*)$/.exec(at.name) ?? [];
    return `connect${head}${capital(method)}${rest}${suffix}`;
  };
  const isProxy = subresource.action === "proxy";
  const methods = isProxy ? proxyMethods : subresource.verbs.flatMap((verb) => connectMethods[verb] ?? []);
  const operations = (suffix: string, also: readonly string[] = []): OperationModel[] =>
    methods.map((method) => ({
      method,
      id: withMethod(method, suffix),
      description: `connect ${method.toUpperCase()} requests to ${at.sub.toLowerCase()} of ${at.kindName}`,
      action: "connect",
      kind: what,
      parameters: [...path, ...(actionParameters[subresource.action] ?? []), ...also],
      codes: [200],
    }));
  return [
    { path: at.path, operations: operations("") },
    ...(isProxy ? [{ path: `${at.path}/{path}`, operations: operations("WithPath", [queried("path")]) }] : []),
  ];
}

/** Types of parameters; those of paths are texts and required. */
const parameterTypes: Record<string, readonly [type: "string" | "integer" | "boolean", text: string]> = {
  allowWatchBookmarks: ["boolean", "Whether a watch is sent bookmarks: events that tell the newest resourceVersion."],
  command: ["string", "A word of the command to run; repeated for each."],
  container: ["string", "The container; needed where the pod has several."],
  continue: ["string", "The token of the answer before, to go on with a list that was cut off by limit."],
  dryRun: ["string", "All: go through every step, but store nothing."],
  fieldManager: ["string", "A name for who makes this change, kept in managedFields."],
  fieldSelector: ["string", "Lists only objects whose fields match."],
  fieldValidation: ["string", "What happens to unknown and double fields: Ignore, Warn or Strict."],
  follow: ["boolean", "Whether to go on with what is written later."],
  force: ["boolean", "Whether an apply takes fields from other managers."],
  gracePeriodSeconds: ["integer", "Seconds until the object goes; 0 for at once."],
  ignoreStoreReadErrorWithClusterBreakingPotential: [
    "boolean",
    "Deletes an object even if it cannot be read from the store.",
  ],
  insecureSkipTLSVerifyBackend: ["boolean", "Whether the node's certificate may be any."],
  labelSelector: ["string", "Lists only objects whose labels match."],
  limit: ["integer", "How many objects an answer holds at most."],
  limitBytes: ["integer", "How many bytes an answer holds at most."],
  name: ["string", "name of the object"],
  namespace: ["string", "namespace of the object"],
  orphanDependents: ["boolean", "Deprecated: use propagationPolicy."],
  path: ["string", "The path to ask for behind the proxy."],
  ports: ["integer", "The ports to forward to."],
  pretty: ["string", "Whether the answer is printed with line breaks."],
  previous: ["boolean", "Whether to read what the container before wrote."],
  propagationPolicy: ["string", "What happens to dependents: Orphan, Background or Foreground."],
  resourceVersion: ["string", "The version to read at or to watch from."],
  resourceVersionMatch: ["string", "How resourceVersion is meant: Exact or NotOlderThan."],
  sendInitialEvents: ["boolean", "Whether a watch begins with the objects there are."],
  shardSelector: ["string", "Lists only objects of a shard."],
  sinceSeconds: ["integer", "How old a line may be."],
  stderr: ["boolean", "Whether standard error is sent."],
  stdin: ["boolean", "Whether standard input is read."],
  stdout: ["boolean", "Whether standard output is sent."],
  stream: ["string", "All, Stdout or Stderr."],
  tailLines: ["integer", "How many of the last lines to begin with."],
  timeoutSeconds: ["integer", "When a list or watch ends, whatever is to come."],
  timestamps: ["boolean", "Whether lines begin with their time."],
  tty: ["boolean", "Whether there is a terminal."],
  watch: ["boolean", "Whether to be told of changes rather than to list."],
};

export interface ParameterModel {
  readonly name: string;
  readonly place: "path" | "query";
  readonly type: "string" | "integer" | "boolean";
  readonly description: string;
}

/** The parameter of this name in the query, where the path has one of the same name. */
const inQuery = " in query";
function queried(name: string): string {
  return name + inQuery;
}

/** A parameter; `path` tells which are part of it. */
export function parameterOf(name: string, path: string): ParameterModel {
  if (name.endsWith(inQuery)) return { ...parameterOf(name.slice(0, -inQuery.length), ""), place: "query" };
  const [type, description] = parameterTypes[name] ?? ["string", ""];
  return { name, place: path.includes(`{${name}}`) ? "path" : "query", type, description };
}
