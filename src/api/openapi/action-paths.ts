import type { Subresource, Verb } from "../kind.ts";
import { typeOfKind } from "../schema/table.ts";
import { capital } from "./names.ts";
import { actionParameters, queried } from "./parameters.ts";
import type { Method, OperationModel, PathModel } from "./path-model.ts";
import { publishedType } from "./published-kind.ts";
import { type Subject, verbOperation } from "./verb-operations.ts";

/** Where a subresource is, and how it is called in the names of operations ("EphemeralContainers"). */
export interface SubresourcePlace {
  readonly path: string;
  readonly sub: string;
  readonly subject: Subject;
}

type Action = Extract<Subresource, { sort: "action" }>;

/** The paths of what can be done with an object beside reading and writing it. */
export function actionPaths(at: SubresourcePlace, action: Action): PathModel[] {
  const { kind } = at.subject;
  // The kind of a body that is only the query of a connection: "PodExecOptions".
  if (action.kind.endsWith("Options")) return connectPaths(at, action);
  const told = kindOf(at, action);
  const subject = { ...at.subject, kind: { ...kind, ...told }, type: typeOfKind(told) ?? publishedType(kind) };
  const operations = action.verbs.flatMap((verb): OperationModel[] => {
    if (verb !== "get" && verb !== "create" && verb !== "update") return [];
    const made = verbOperation(verb, subject);
    if (action.action !== "log") return [made];
    return [{ ...made, answer: undefined, parameters: [...made.parameters, ...(actionParameters.log ?? [])] }];
  });
  return [{ path: at.path, operations }];
}

function kindOf({ subject: { kind } }: SubresourcePlace, action: Action) {
  return { group: action.group ?? kind.group, version: action.version ?? kind.version, kind: action.kind };
}

const connectMethods: Partial<Record<Verb, Method>> = {
  get: "get",
  update: "put",
  create: "post",
  delete: "delete",
  patch: "patch",
};
const proxyMethods: readonly Method[] = ["get", "put", "post", "delete", "options", "head", "patch"];

function connectPaths(at: SubresourcePlace, action: Action): PathModel[] {
  const { kind, api, object, path } = at.subject;
  const isProxy = action.action === "proxy";
  const methods = isProxy ? proxyMethods : action.verbs.flatMap((verb) => connectMethods[verb] ?? []);
  const operations = (suffix: string, also: readonly string[] = []): OperationModel[] =>
    methods.map((method) => ({
      method,
      id: `connect${api}${capital(method)}${object}${suffix}`,
      description: `connect ${method.toUpperCase()} requests to ${at.sub.toLowerCase()} of ${kind.kind}`,
      action: "connect",
      kind: kindOf(at, action),
      parameters: [...path, ...(actionParameters[action.action] ?? []), ...also],
      codes: [200],
    }));
  return [
    { path: at.path, operations: operations("") },
    ...(isProxy ? [{ path: `${at.path}/{path}`, operations: operations("WithPath", [queried("path")]) }] : []),
  ];
}
