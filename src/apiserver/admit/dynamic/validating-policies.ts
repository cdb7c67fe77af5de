import { compileAdmission } from "../../../api/cel/admission.ts";
import type { Expression } from "../../../api/cel/expression.ts";
import { bool, simpleType, text } from "../../../api/cel/types.ts";
import type { AnyObject } from "../../../api/object.ts";
import type { ValidatingAdmissionPolicy, Validation } from "../../../api/schema/types.ts";
import { forbidden, type Reason, StatusError } from "../../../api/status.ts";
import type { AdmissionStep, Review } from "../admission.ts";
import type { AdmissionSurroundings } from "../all.ts";
import { Followed } from "./followed.ts";
import { isExempt } from "./match.ts";
import {
  type Binding,
  bindingFrom,
  type Evaluation,
  evaluationsOf,
  type Policy,
  PolicyProblem,
  policyFrom,
  textOf,
} from "./policy.ts";

const group = "admissionregistration.k8s.io";
const longestMessage = 5 * 1024;

interface ValidatingPolicy extends Policy<ValidatingAdmissionPolicy["spec"]> {
  readonly validations: readonly {
    readonly validation: Validation;
    readonly expression: Expression;
    readonly message: Expression | undefined;
  }[];
  /** They are not written into the audit log; what is wrong with an annotation's value is a refusal all the same. */
  readonly annotations: readonly Expression[];
}

function validatingPolicyFrom(object: AnyObject): ValidatingPolicy {
  const policy = policyFrom<ValidatingAdmissionPolicy["spec"]>(object);
  const { scope, spec } = policy;
  return {
    ...policy,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      expression: compileAdmission(validation.expression ?? "", { ...scope, wanted: [bool] }),
      message: validation.messageExpression
        ? compileAdmission(validation.messageExpression, { ...scope, wanted: [text] })
        : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ valueExpression = "" }) =>
      compileAdmission(valueExpression, { ...scope, wanted: [text, simpleType("null")] }),
    ),
  };
}

/** A request that does not hold to a policy. */
interface Failure {
  readonly policy: string;
  readonly binding: Binding;
  readonly message: string;
  readonly reason: string;
  /** Whether it refuses whatever the binding wants done about failures. */
  readonly isProblem: boolean;
}

/** Judges requests by the cluster's own expressions (Kubernetes docs, "Validating Admission Policy"). */
export function validatingPolicies(surroundings: AdmissionSurroundings): AdmissionStep & Disposable {
  const policies = new Followed(surroundings, `validatingadmissionpolicies.${group}`, validatingPolicyFrom);
  const bindings = new Followed(surroundings, `validatingadmissionpolicybindings.${group}`, bindingFrom);
  return {
    name: "ValidatingAdmissionPolicy",
    judgesParts: true,

    validate(review) {
      if (bindings.all.length === 0 || isExempt(review)) return;
      const failures = policies.all.flatMap((policy) => failuresOf(policy, bindings.all, review, surroundings));
      for (const { policy, binding, message, isProblem } of failures)
        if (!isProblem && binding.actions.includes("Warn"))
          review.call.warn(
            `Validation failed for ValidatingAdmissionPolicy '${policy}' with binding '${binding.name}': ${message}`,
          );
      const denied = failures.find(({ binding, isProblem }) => isProblem || binding.actions.includes("Deny"));
      if (denied) throw refusal(review, denied);
    },

    [Symbol.dispose]() {
      policies[Symbol.dispose]();
      bindings[Symbol.dispose]();
    },
  };
}

function failuresOf(
  policy: ValidatingPolicy,
  bindings: readonly Binding[],
  review: Review,
  surroundings: AdmissionSurroundings,
): Failure[] {
  const isForgiving = policy.spec?.failurePolicy === "Ignore";
  const failures: Failure[] = [];
  const fail = (binding: Binding, message: string, reason = "", isProblem = false): void => {
    failures.push({ policy: policy.name, binding, message, reason, isProblem });
  };
  try {
    for (const evaluation of evaluationsOf(policy, bindings, { review, phase: "validate", surroundings })) {
      for (const { validation, expression, message } of policy.validations) {
        const { expression: shown = "", reason } = validation;
        try {
          if (evaluation.evaluate(expression) === true) continue;
        } catch (error) {
          if (!isForgiving)
            fail(evaluation.binding, `expression '${shown.trim()}' resulted in error: ${textOf(error)}`);
          else textOf(error);
          continue;
        }
        fail(evaluation.binding, messageOf(validation, message, evaluation), reason);
      }
      for (const annotation of policy.annotations) judgeAnnotation(annotation, evaluation, isForgiving, fail);
    }
  } catch (error) {
    if (!(error instanceof PolicyProblem)) throw error;
    if (!isForgiving) fail(error.binding, error.message, "", true);
  }
  return failures;
}

function judgeAnnotation(
  annotation: Expression,
  evaluation: Evaluation,
  isForgiving: boolean,
  fail: (binding: Binding, message: string, reason: string, isProblem: boolean) => void,
): void {
  try {
    evaluation.evaluate(annotation);
  } catch (error) {
    const why = textOf(error);
    if (!isForgiving)
      fail(evaluation.binding, `expression '${annotation.text.trim()}' resulted in error: ${why}`, "", true);
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
    textOf(error);
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
