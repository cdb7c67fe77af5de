import { CelError, OpaqueValue } from "../values.ts";
import { type Overload, overload } from "./overload.ts";

/** What an expression asks of the cluster's authorizer; the user that makes the request unless a service account is named. */
export interface AccessQuestion {
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly verb?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export type AskAccess = (question: AccessQuestion) => { readonly allowed: boolean; readonly reason: string };

/** A question that is being put together, one part a call. */
export class AccessCheck extends OpaqueValue {
  override readonly typeName: string;
  readonly ask: AskAccess;
  readonly question: AccessQuestion;

  constructor(ask: AskAccess, question: AccessQuestion = {}, sort: CheckSort = "Authorizer") {
    super();
    this.typeName = `kubernetes.authorization.${sort}`;
    this.ask = ask;
    this.question = question;
  }
  override equals(other: OpaqueValue): boolean {
    return other === this;
  }
  with(more: AccessQuestion, sort: CheckSort): AccessCheck {
    return new AccessCheck(this.ask, { ...this.question, ...more }, sort);
  }
}

type CheckSort = "Authorizer" | "PathCheck" | "GroupCheck" | "ResourceCheck";

class AccessDecision extends OpaqueValue {
  override readonly typeName = "kubernetes.authorization.Decision";
  readonly allowed: boolean;
  readonly reason: string;
  constructor({ allowed, reason }: { readonly allowed: boolean; readonly reason: string }) {
    super();
    this.allowed = allowed;
    this.reason = reason;
  }
  override equals(other: OpaqueValue): boolean {
    return other === this;
  }
}

const authorizer = "kubernetes.authorization.Authorizer";
const pathCheck = "kubernetes.authorization.PathCheck";
const groupCheck = "kubernetes.authorization.GroupCheck";
const resourceCheck = "kubernetes.authorization.ResourceCheck";
const decision = "kubernetes.authorization.Decision";

function decide(check: AccessCheck, verb: string): AccessDecision {
  return new AccessDecision(check.ask({ ...check.question, verb }));
}

function inName(name: string, what: string): string {
  if (name === "") throw new CelError(`${what} must not be empty`);
  return name;
}

/** Kubernetes docs, "Common Expression Language in Kubernetes", section "Kubernetes authorizer library". */
export const authorizers: Overload[] = [
  overload("authorizer_path", `(${authorizer}).path(string): ${pathCheck}`, (check: AccessCheck, path: string) =>
    check.with({ path: inName(path, "path") }, "PathCheck"),
  ),
  overload("authorizer_group", `(${authorizer}).group(string): ${groupCheck}`, (check: AccessCheck, group: string) =>
    check.with({ group }, "GroupCheck"),
  ),
  overload(
    "authorizer_serviceaccount",
    `(${authorizer}).serviceAccount(string, string): ${authorizer}`,
    (check: AccessCheck, namespace: string, name: string) =>
      check.with({ serviceAccount: { namespace, name } }, "Authorizer"),
  ),
  overload(
    "groupcheck_resource",
    `(${groupCheck}).resource(string): ${resourceCheck}`,
    (check: AccessCheck, resource: string) => check.with({ resource }, "ResourceCheck"),
  ),
  ...(["subresource", "namespace", "name", "fieldSelector", "labelSelector"] as const).map((part) =>
    overload(
      `resourcecheck_${part}`,
      `(${resourceCheck}).${part}(string): ${resourceCheck}`,
      (check: AccessCheck, text: string) => check.with({ [part]: text }, "ResourceCheck"),
    ),
  ),
  overload("pathcheck_check", `(${pathCheck}).check(string): ${decision}`, decide),
  overload("resourcecheck_check", `(${resourceCheck}).check(string): ${decision}`, decide),
  overload("decision_allowed", `(${decision}).allowed(): bool`, ({ allowed }: AccessDecision) => allowed),
  overload("decision_reason", `(${decision}).reason(): string`, ({ reason }: AccessDecision) => reason),
  overload("decision_errored", `(${decision}).errored(): bool`, () => false),
  overload("decision_error", `(${decision}).error(): string`, () => ""),
];
