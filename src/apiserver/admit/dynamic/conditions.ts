import { compileAdmission } from "../../../api/cel/admission.ts";
import type { Expression } from "../../../api/cel/expression.ts";
import { valueFromJson } from "../../../api/cel/from-json.ts";
import { AccessCheck, type AccessQuestion } from "../../../api/cel/functions/authorizer.ts";
import { CostMeter } from "../../../api/cel/run-cost.ts";
import { bool } from "../../../api/cel/types.ts";
import type { Value } from "../../../api/cel/values.ts";
import type { MatchCondition } from "../../../api/schema/types.ts";
import type { Attributes, Authorizer } from "../../authorize/attributes.ts";
import type { UserInfo } from "../../user.ts";
import type { Review } from "../admission.ts";
import type { SeenAs } from "./match.ts";
import { type Phase, requestOf, shownObject } from "./review.ts";

/** What conditions of one webhook or policy may cost together (Kubernetes docs, "Dynamic Admission Control"). */
const conditionsCostLimit = 2_500_000;

export interface CompiledCondition {
  readonly name: string;
  readonly expression: Expression;
}

/** @throws {CompileError} for what could not have been stored */
export function compileConditions(
  conditions: readonly MatchCondition[] = [],
  scope: { readonly hasParams?: boolean; readonly hasNamespace?: boolean } = {},
): CompiledCondition[] {
  return conditions.map(({ name = "", expression = "" }) => ({
    name,
    expression: compileAdmission(expression, { ...scope, wanted: [bool] }),
  }));
}

/** The values that every expression of admission sees. */
interface AdmissionValues {
  readonly object: unknown;
  readonly oldObject: unknown;
  readonly request: unknown;
  readonly authorizer: AccessCheck;
}

/** The values of a review as a webhook or policy sees it. */
export function valuesOf(
  review: Review,
  seen: SeenAs,
  { phase, authorizer }: { readonly phase: Phase; readonly authorizer: Authorizer },
): AdmissionValues {
  return {
    object: shownObject(review, review.object, seen, phase) ?? null,
    oldObject: shownObject(review, review.old, seen, phase) ?? null,
    request: requestOf(review, seen),
    authorizer: accessCheckFor(review, authorizer),
  };
}

/** Looks values up by their names; `more` are those that only policies know. An object is made a value of CEL when it is first asked for. */
export function scopeOf(values: AdmissionValues, more: Readonly<Record<string, Value | undefined>> = {}) {
  const known = new Map<string, Value>();
  return (name: string): Value | undefined => {
    if (name === "authorizer") return values.authorizer;
    if (name in more) return more[name];
    const there = known.get(name);
    if (there !== undefined) return there;
    if (name === "authorizer.requestResource") return requestCheck(values);
    if (name !== "object" && name !== "oldObject" && name !== "request") return undefined;
    const value = valueFromJson(values[name]);
    known.set(name, value);
    return value;
  };
}

interface ShownRequest {
  readonly resource: { readonly group: string; readonly resource: string };
  readonly subResource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

function requestCheck({ authorizer, request }: AdmissionValues): Value {
  const { resource, subResource = "", namespace = "", name = "" } = request as ShownRequest;
  return authorizer.with(
    { group: resource.group, resource: resource.resource, subresource: subResource, namespace, name },
    "ResourceCheck",
  );
}

/**
 * Whether all conditions hold. One that does not decides, whatever went wrong with the others.
 * @throws {CelError | CostExceeded} when none decides and one could not be evaluated
 */
export function conditionsHold(
  conditions: readonly CompiledCondition[],
  scope: (name: string) => Value | undefined,
): boolean {
  const meter = new CostMeter(conditionsCostLimit);
  let wrong: unknown;
  for (const { expression } of conditions)
    try {
      if (expression.evaluate(scope, meter) === false) return false;
    } catch (error) {
      wrong ??= error;
    }
  if (wrong !== undefined) throw wrong;
  return true;
}

/** Asks the cluster's authorizer for who makes a request, or for a service account that an expression names. */
function accessCheckFor({ call }: Review, authorizer: Authorizer): AccessCheck {
  return new AccessCheck((question) => authorizer.decide(attributesOf(call.user, question)));
}

function attributesOf(user: UserInfo, question: AccessQuestion): Attributes {
  const {
    serviceAccount,
    path,
    verb = "",
    group = "",
    resource = "",
    subresource = "",
    namespace = "",
    name = "",
  } = question;
  return {
    user: serviceAccount ? userOf(serviceAccount) : user,
    verb,
    isResource: path === undefined,
    group,
    resource,
    subresource,
    namespace,
    name,
    path: path ?? "",
    fieldSelector: question.fieldSelector,
  };
}

function userOf({ namespace, name }: { readonly namespace: string; readonly name: string }): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid: "",
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    extra: {},
  };
}
