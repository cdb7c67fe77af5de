import type { Verb } from "../kind.ts";
import { collectionParameters, deleteParameters, listParameters, writeParameters } from "./parameters.ts";
import type { OperationModel } from "./path-model.ts";
import { type PublishedKind, publishedType } from "./published-kind.ts";

/** The verbs that have an operation of their own; a watch is a list that goes on. */
export type DocumentedVerb = Exclude<Verb, "watch">;

/** What operations are done on, with the two parts of their names: "readAppsV1NamespacedDeployment" ends with both. */
export interface Subject {
  readonly kind: PublishedKind;
  /** "AppsV1". */
  readonly api: string;
  /** "NamespacedDeployment". */
  readonly object: string;
  /** The parameters that are part of the path. */
  readonly path: readonly string[];
  /** The type of the object; that of the kind unless said. */
  readonly type?: string;
}

/** What a verb's row is made from. */
interface Facts {
  readonly kind: PublishedKind;
  readonly type: string;
  readonly isCustom: boolean;
}

/** What is said of a verb; `parameters` are those of the query, and the answer is of the object's type unless said. */
type VerbRow = Omit<OperationModel, "id" | "kind" | "action"> & { readonly action: string };

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const deleteOptions = { type: `${meta}.DeleteOptions`, required: false };

/** Custom resources are documented by another part of Kubernetes, which says a little less of them. */
const rows: Record<DocumentedVerb, (facts: Facts) => VerbRow> = {
  list: ({ kind: { kind }, type, isCustom }) => ({
    method: "get",
    description: `${isCustom ? "list" : "list or watch"} objects of kind ${kind}`,
    action: "list",
    parameters: listParameters,
    answer: `${type}List`,
    codes: [200],
    streams: true,
  }),
  create: ({ kind: { kind }, type }) => ({
    method: "post",
    description: `create a ${kind}`,
    action: "post",
    parameters: writeParameters,
    body: { type, required: true },
    codes: [200, 201, 202],
  }),
  deletecollection: ({ kind: { kind }, isCustom }) => ({
    method: "delete",
    description: `delete collection of ${kind}`,
    action: "deletecollection",
    parameters: isCustom ? listParameters : collectionParameters,
    ...(!isCustom && { body: deleteOptions }),
    answer: `${meta}.Status`,
    codes: [200],
  }),
  get: ({ kind: { kind }, isCustom }) => ({
    method: "get",
    description: `read the specified ${kind}`,
    action: "get",
    parameters: isCustom ? ["resourceVersion"] : [],
    codes: [200],
  }),
  update: ({ kind: { kind }, type }) => ({
    method: "put",
    description: `replace the specified ${kind}`,
    action: "put",
    parameters: writeParameters,
    body: { type, required: true },
    codes: [200, 201],
  }),
  delete: ({ kind, type }) => ({
    method: "delete",
    description: `delete a ${kind.kind}`,
    action: "delete",
    parameters: deleteParameters,
    body: deleteOptions,
    answer: answersObject(kind) ? type : `${meta}.Status`,
    codes: [200, 202],
  }),
  patch: ({ kind: { kind }, isCustom }) => ({
    method: "patch",
    description: `partially update the specified ${kind}`,
    action: "patch",
    parameters: [...writeParameters, "force"],
    body: { type: `${meta}.Patch`, required: true, isPatch: true },
    codes: isCustom ? [200] : [200, 201],
  }),
};

/** What the names of operations begin with, where that is not the verb. */
const nameBeginnings: Partial<Record<DocumentedVerb, string>> = { get: "read", update: "replace" };

/** The operation of a verb on objects of a kind. */
export function verbOperation(verb: DocumentedVerb, subject: Subject): OperationModel {
  const { kind, api, object, path, type = publishedType(kind) } = subject;
  const isCustom = kind.schema !== undefined;
  const row = rows[verb]({ kind, type, isCustom });
  return {
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    answer: type,
    ...(isCustom && { isCustom }),
    ...row,
    id:
      verb === "deletecollection"
        ? `delete${api}Collection${object}`
        : `${nameBeginnings[verb] ?? verb}${api}${object}`,
    parameters: [...row.parameters, ...path, "pretty"],
  };
}

/** Whether a delete is documented to answer with the object: of these two it does, and is not. */
function answersObject({ kind, strategy }: PublishedKind): boolean {
  return strategy?.deletion?.answersObject === true && kind !== "Namespace" && kind !== "ReplicationController";
}
