/** The parameters of operations, each by its name: what an operation takes is said in lists of names. */

/** What can be said in the query of a list. */
export const listParameters = [
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
/** What can be said in the query of a delete: DeleteOptions, for clients that send no body. */
export const deleteParameters = [
  "dryRun",
  "gracePeriodSeconds",
  "ignoreStoreReadErrorWithClusterBreakingPotential",
  "orphanDependents",
  "propagationPolicy",
];
/** What can be said in the query of a create, update or patch. */
export const writeParameters = ["dryRun", "fieldManager", "fieldValidation"];
const selection = listParameters.filter((name) => !["allowWatchBookmarks", "watch"].includes(name));
/** What can be said in the query of a deletecollection. */
export const collectionParameters = [...deleteParameters, ...selection].sort();

/** What can be said in the query of an action. */
export const actionParameters: Record<string, readonly string[]> = {
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

const inQuery = " in query";

/** The parameter of this name in the query, where the path has one of the same name. */
export function queried(name: string): string {
  return name + inQuery;
}

/** A parameter; `path` tells which are part of it. */
export function parameterOf(name: string, path: string): ParameterModel {
  if (name.endsWith(inQuery)) return { ...parameterOf(name.slice(0, -inQuery.length), ""), place: "query" };
  const [type, description] = parameterTypes[name] ?? ["string", ""];
  return { name, place: path.includes(`{${name}}`) ? "path" : "query", type, description };
}
