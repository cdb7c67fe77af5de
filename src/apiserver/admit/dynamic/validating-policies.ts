import { compileAdmission } from "../../../api/cel/admission.ts";
import { type Expression, isEvaluationError } from "../../../api/cel/expression.ts";
import { bool, simpleType, text } from "../../../api/cel/types.ts";
import { validatingAdmissionPolicy } from "../../../api/kinds/admissionregistration/validating-admission-policy.ts";
import { validatingAdmissionPolicyBinding } from "../../../api/kinds/admissionregistration/validating-admission-policy-binding.ts";
import type { ValidatingAdmissionPolicy, Validation } from "../../../api/schema/types.ts";
import { forbidden, type Reason, StatusError } from "../../../api/status.ts";
import type { AdmissionStep, Review } from "../admission.ts";
import type { AdmissionSurroundings } from "../all.ts";
import { isExempt } from "./match.ts";
import {
  type Binding,
  type Evaluation,
  evaluationsOf,
  expressionProblem,
  followPolicies,
  type Policy,
  PolicyProblem,
  policyFrom,
} from "./policy.ts";

const longestMessage = 5 * 1024;

interface ValidatingPolicy extends Policy<ValidatingAdmissionPolicy["spec"]> {
  readonly validations: readonly {
    readonly validation: Validation;
    readonly expression: Expression;
    readonly message: Expression | undefined;
  }[];
  /** What is wrong with an annotation's value is a refusal, whether the request is recorded or not. */
  readonly annotations: readonly { readonly key: string; readonly value: Expression }[];
}

function validatingPolicyFrom(object: ValidatingAdmissionPolicy): ValidatingPolicy {
  const policy = policyFrom(object);
  const { scope, spec } = policy;
  return {
    ...policy,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      expression: compileAdmission(validation.expression ?? "", { ...scope, wanted: [bool] }),
      message: validation.messageExpression
        ? compileAdmission(validation.messageExpression, { ...scope, hasAuthorizer: false, wanted: [text] })
        : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression = "" }) => ({
      key: `${policy.name}/${key}`,
      value: compileAdmission(valueExpression, { ...scope, wanted: [text, simpleType("null")] }),
    })),
  };
}

/** A request that does not hold to a policy. */
interface Failure {
  readonly policy: string;
  readonly binding: Binding;
  readonly message: string;
  readonly reason: string;
  /** Which of the policy's validations it is. */
  readonly index: number;
  /** Whether it refuses whatever the binding wants done about failures. */
  readonly isProblem: boolean;
}

/** Judges requests by the cluster's own expressions (Kubernetes docs, "Validating Admission Policy"). */
export function validatingPolicies(surroundings: AdmissionSurroundings): AdmissionStep & Disposable {
  const kinds = { policy: validatingAdmissionPolicy, binding: validatingAdmissionPolicyBinding };
  const followed = followPolicies(surroundings, kinds, validatingPolicyFrom);
  return {
    name: "ValidatingAdmissionPolicy",
    judgesParts: true,

    validate(review) {
      const { policies, bindings } = followed;
      if (bindings.length === 0 || isExempt(review)) return;
      const recorded = new Map<string, Set<string>>();
      const failures = policies.flatMap((policy) => failuresOf(policy, bindings, recorded, { review, surroundings }));
      record(review, recorded, failures);
      for (const { policy, binding, message, isProblem } of failures)
        if (!isProblem && binding.actions.includes("Warn"))
          review.call.warn(
            `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}': ${message}`,
          );
      const denied = failures.find(({ binding, isProblem }) => isProblem || binding.actions.includes("Deny"));
      if (denied) throw refusal(review, denied);
    },

    [Symbol.dispose]: () => followed[Symbol.dispose](),
  };
}

/** Tells the audit log of the policies' annotations, and of failures that bindings want to be recorded. */
function record(
  { call: { annotate } }: Review,
  recorded: ReadonlyMap<string, ReadonlySet<string>>,
  failures: readonly Failure[],
): void {
  if (!annotate) return;
  for (const [key, values] of recorded) annotate(key, [...values].join(", "));
  const audited = failures.filter(({ binding, isProblem }) => !isProblem && binding.actions.includes("Audit"));
  if (audited.length === 0) return;
  const shown = audited.map(({ message, policy, binding, index }) => ({
    message,
    policy,
    binding: binding.name,
    expressionIndex: index,
    validationActions: binding.actions,
  }));
  annotate("validation.policy.admission.k8s.io/validation_failure", JSON.stringify(shown));
}

function failuresOf(
  policy: ValidatingPolicy,
  bindings: readonly Binding[],
  recorded: Map<string, Set<string>>,
  { review, surroundings }: { readonly review: Review; readonly surroundings: AdmissionSurroundings },
): Failure[] {
  const isForgiving = policy.spec?.failurePolicy === "Ignore";
  const failures: Failure[] = [];
  const fail: Fail = (binding, message, { reason = "", index = 0, isProblem = false }) => {
    failures.push({ policy: policy.name, binding, message, reason, index, isProblem });
  };
  try {
    for (const evaluation of evaluationsOf(policy, bindings, { review, phase: "validate", surroundings })) {
      for (const [index, { validation, expression, message }] of policy.validations.entries()) {
        try {
          if (evaluation.evaluate(expression) === true) continue;
        } catch (error) {
          const why = expressionProblem(expression, error);
          if (!isForgiving) fail(evaluation.binding, why, { index });
          continue;
        }
        const { reason = "" } = validation;
        fail(evaluation.binding, messageOf(validation, message, evaluation), { reason, index });
      }
      for (const { key, value } of policy.annotations) {
        const said = annotationFrom(value, evaluation, isForgiving, fail);
        if (said) recorded.set(key, (recorded.get(key) ?? new Set()).add(said));
      }
    }
  } catch (error) {
    if (!(error instanceof PolicyProblem)) throw error;
    if (!isForgiving) fail(error.binding, error.message, { isProblem: true });
  }
  return failures;
}

type Fail = (binding: Binding, message: string, more: Partial<Pick<Failure, "reason" | "index" | "isProblem">>) => void;

// As much of an annotation as Kubernetes records.
const longestAnnotation = 10 * 1024;

/** What an annotation says; empty: nothing. */
function annotationFrom(value: Expression, evaluation: Evaluation, isForgiving: boolean, fail: Fail): string {
  try {
    const said = evaluation.evaluate(value);
    return typeof said === "string" ? said.trim().slice(0, longestAnnotation) : "";
  } catch (error) {
    const why = expressionProblem(value, error);
    if (!isForgiving) fail(evaluation.binding, why, { isProblem: true });
    return "";
  }
}

/** Why a validation fails: in the words of its expression, its own, or its expression itself. */
function messageOf(
  { message, expression = "" }: Validation,
  compiled: Expression | undefined,
  evaluation: Evaluation,
): string {
  const otherwise = message?.trim() || `failed expression: ${expression.trim()}`;
  if (!compiled) return otherwise;
  try {
    const value = evaluation.evaluate(compiled);
    const made = typeof value === "string" ? value.trim() : "";
    return made === "" || made.includes("\n") || Buffer.byteLength(made) > longestMessage ? otherwise : made;
  } catch (error) {
    if (!isEvaluationError(error)) throw error;
    return otherwise;
  }
}

const codes: Readonly<Record<string, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

function refusal({ call, object }: Review, { policy, binding, message, reason }: Failure): StatusError {
  const { resource } = call;
  const name = call.name ?? (object?.metadata.name || object?.metadata.generateName) ?? "";
  const why = `ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}' denied request: ${message}`;
  const { message: whole, details } = forbidden(resource.name, name, why);
  const known = (reason || "Invalid") as Reason;
  return new StatusError(known, whole, { ...details, causes: [{ message: why }] }, codes[known] ?? 422);
}
