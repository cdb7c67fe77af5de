import { CompileError, compileExpression, type Expression } from "./expression.ts";
import { dyn, listOf, type Type, text, typeFrom, typeText } from "./types.ts";

/** What expressions of webhooks and admission policies may speak of (API reference, "ValidatingAdmissionPolicy"). */
export interface AdmissionScope {
  readonly hasParams?: boolean;
  /** Whether it may ask what a user may do; true unless said. What makes a message may not. */
  readonly hasAuthorizer?: boolean;
  /** Whether it is of a policy, which knows the request's namespace. */
  readonly hasNamespace?: boolean;
  /** Values that a policy has given names, with their types. */
  readonly variables?: ReadonlyMap<string, Type>;
  readonly structs?: (name: string) => Type | undefined;
  /** What is known of the request's object, and of the policy's parameters; nothing unless said. */
  readonly object?: Type;
  readonly params?: Type;
}

function objectType(name: string, fields: Readonly<Record<string, string | Type>>): Type {
  const types = Object.entries(fields).map(([field, type]): [string, Type] => [
    field,
    typeof type === "string" ? typeFrom(type) : type,
  ]);
  return { sort: "object", name, fields: new Map(types) };
}

const groupVersionKind = objectType("kubernetes.GroupVersionKind", {
  group: "string",
  version: "string",
  kind: "string",
});
const groupVersionResource = objectType("kubernetes.GroupVersionResource", {
  group: "string",
  version: "string",
  resource: "string",
});
const request = objectType("kubernetes.AdmissionRequest", {
  kind: groupVersionKind,
  resource: groupVersionResource,
  subResource: "string",
  requestKind: groupVersionKind,
  requestResource: groupVersionResource,
  requestSubResource: "string",
  name: "string",
  namespace: "string",
  operation: "string",
  userInfo: objectType("kubernetes.UserInfo", {
    username: "string",
    uid: "string",
    groups: "list(string)",
    extra: "map(string, list(string))",
  }),
  dryRun: "bool",
  options: dyn,
});
const namespaceObject = objectType("kubernetes.Namespace", {
  metadata: objectType("kubernetes.NamespaceMetadata", {
    name: "string",
    generateName: "string",
    namespace: "string",
    labels: "map(string, string)",
    annotations: "map(string, string)",
    UID: "string",
    creationTimestamp: "timestamp",
    deletionGracePeriodSeconds: "int",
    deletionTimestamp: "timestamp",
    generation: "int",
    resourceVersion: "string",
    finalizers: "list(string)",
  }),
  spec: objectType("kubernetes.NamespaceSpec", { finalizers: "list(string)" }),
  status: objectType("kubernetes.NamespaceStatus", { phase: "string" }),
});

function variablesOf({
  hasParams,
  hasAuthorizer = true,
  hasNamespace,
  variables,
  object = dyn,
  params = dyn,
}: AdmissionScope): ReadonlyMap<string, Type> {
  const known = new Map<string, Type>([
    ["object", object],
    ["oldObject", object],
    ["request", request],
  ]);
  if (hasAuthorizer)
    known
      .set("authorizer", typeFrom("kubernetes.authorization.Authorizer"))
      .set("authorizer.requestResource", typeFrom("kubernetes.authorization.ResourceCheck"));
  if (hasNamespace) known.set("namespaceObject", namespaceObject);
  if (hasParams) known.set("params", params);
  if (variables) known.set("variables", { sort: "object", name: "kubernetes.variables", fields: variables });
  return known;
}

/**
 * Compiles an expression of a webhook or policy. `wanted`: what it may be worth; anything unless said.
 * @throws {CompileError} in the words that the API answers with
 */
export function compileAdmission(
  source: string,
  { wanted, ...scope }: AdmissionScope & { readonly wanted?: readonly Type[] },
): Expression {
  const expression = compiled(source, scope);
  if (!wanted || wanted.some((type) => typeText(type) === typeText(expression.type))) return expression;
  const names = wanted.map(typeText);
  const expected = names.length === 1 ? names[0] : `one of [${names.join(" ")}]`;
  throw new CompileError(`must evaluate to ${expected} but got ${typeText(expression.type)}`);
}

/** What of an expression does not fit, in CEL's words; undefined when all does. */
export function issuesOf(source: string, scope: AdmissionScope): string | undefined {
  try {
    compileExpression(source, { variables: variablesOf(scope), structs: scope.structs });
    return undefined;
  } catch (error) {
    if (error instanceof CompileError) return error.message;
    throw error;
  }
}

function compiled(source: string, scope: AdmissionScope): Expression {
  try {
    return compileExpression(source, { variables: variablesOf(scope), structs: scope.structs });
  } catch (error) {
    if (error instanceof CompileError) throw new CompileError(`compilation failed: ${error.message}`, { cause: error });
    throw error;
  }
}

/** `Object{…}` and what is inside it take any field: what fits the object's own type is seen when it is merged. */
class AnyFields extends Map<string, Type> {
  override get(): Type {
    return dyn;
  }
}

const jsonPatchType: Type = {
  sort: "object",
  name: "JSONPatch",
  fields: new Map([
    ["op", text],
    ["path", text],
    ["from", text],
    ["value", dyn],
  ]),
};

/** What expressions of mutating policies are worth: an object to apply, or a list of patches. */
export const applyConfigurationType: Type = { sort: "object", name: "Object", fields: new AnyFields() };
export const jsonPatchesType: Type = listOf(jsonPatchType);

/** The types that the expressions of mutating policies make. */
export function mutationStructs(name: string): Type | undefined {
  if (name === "JSONPatch") return jsonPatchType;
  return name === "Object" || name.startsWith("Object.")
    ? { sort: "object", name, fields: new AnyFields() }
    : undefined;
}
