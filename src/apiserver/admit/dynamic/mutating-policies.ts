import { compileAdmission, mutationStructs } from "../../../api/cel/admission.ts";
import type { Expression } from "../../../api/cel/expression.ts";
import { jsonFromValue } from "../../../api/cel/to-json.ts";
import { CelError, ListValue, MapValue, type Value } from "../../../api/cel/values.ts";
import { mutatingAdmissionPolicy } from "../../../api/kinds/admissionregistration/mutating-admission-policy.ts";
import { mutatingAdmissionPolicyBinding } from "../../../api/kinds/admissionregistration/mutating-admission-policy-binding.ts";
import { mergedConfiguration } from "../../../api/patch/apply.ts";
import { jsonPatch } from "../../../api/patch/json.ts";
import type { MutatingAdmissionPolicy } from "../../../api/schema/types.ts";
import { forbidden } from "../../../api/status.ts";
import { nodeOf } from "../../registry/ownership.ts";
import type { AdmissionStep, Review } from "../admission.ts";
import type { AdmissionSurroundings } from "../all.ts";
import { changeObject } from "./change.ts";
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

interface MutatingPolicy extends Policy<MutatingAdmissionPolicy["spec"]> {
  readonly mutations: readonly { readonly isApplied: boolean; readonly expression: Expression }[];
}

function mutatingPolicyFrom(object: MutatingAdmissionPolicy): MutatingPolicy {
  const policy = policyFrom(object);
  return {
    ...policy,
    mutations: (policy.spec?.mutations ?? []).map(({ patchType, applyConfiguration, jsonPatch: patch }) => ({
      isApplied: patchType === "ApplyConfiguration",
      expression: compileAdmission((applyConfiguration ?? patch)?.expression ?? "", {
        ...policy.scope,
        structs: mutationStructs,
      }),
    })),
  };
}

/** Changes objects by the cluster's own expressions (Kubernetes docs, "Mutating Admission Policy"). */
export function mutatingPolicies(surroundings: AdmissionSurroundings): AdmissionStep & Disposable {
  const kinds = { policy: mutatingAdmissionPolicy, binding: mutatingAdmissionPolicyBinding };
  const followed = followPolicies(surroundings, kinds, mutatingPolicyFrom);
  /** Requests that have been looked at once, and whether that changed them. */
  const rounds = new WeakMap<Review, { hasChanged: boolean }>();
  return {
    name: "MutatingAdmissionPolicy",
    judgesParts: true,

    mutate(review) {
      const { policies, bindings } = followed;
      if (bindings.length === 0 || !review.object || isExempt(review)) return;
      const isAgain = rounds.has(review);
      const round = rounds.get(review) ?? { hasChanged: false };
      rounds.set(review, round);
      for (const policy of policies) {
        if (isAgain && policy.spec?.reinvocationPolicy !== "IfNeeded") continue;
        const before = JSON.stringify(review.object);
        applyPolicy(policy, review, { bindings, surroundings });
        round.hasChanged ||= JSON.stringify(review.object) !== before;
      }
    },

    reinvokes: (review) => rounds.get(review)?.hasChanged ?? false,

    [Symbol.dispose]: () => followed[Symbol.dispose](),
  };
}

interface Bound {
  readonly bindings: readonly Binding[];
  readonly surroundings: AdmissionSurroundings;
}

function applyPolicy(policy: MutatingPolicy, review: Review, { bindings, surroundings }: Bound): void {
  const refuse = (binding: string, why: string): void => {
    if (policy.spec?.failurePolicy === "Ignore") return;
    const text = `policy '${policy.name}' with binding '${binding}' denied request: ${why}`;
    const { resource, name } = review.call;
    throw forbidden(resource.name, name ?? review.object?.metadata.name ?? "", text);
  };
  try {
    for (const binding of bindings)
      for (const { isApplied, expression } of policy.mutations)
        for (const evaluation of evaluationsOf(policy, [binding], { review, phase: "mutate", surroundings }))
          try {
            mutate(review, evaluation, { isApplied, value: evaluation.evaluate(expression) });
          } catch (error) {
            refuse(binding.name, expressionProblem(expression, error));
          }
  } catch (error) {
    if (!(error instanceof PolicyProblem)) throw error;
    refuse(error.binding.name, error.message);
  }
}

function mutate(
  review: Review,
  { seen }: Evaluation,
  { isApplied, value }: { readonly isApplied: boolean; readonly value: Value },
): void {
  const node = nodeOf(seen.as ?? review.call.resource);
  changeObject(review, seen, (shown) =>
    isApplied ? mergedConfiguration(shown, appliedFrom(value), node) : jsonPatch(shown, operationsFrom(value)),
  );
}

function appliedFrom(value: Value): unknown {
  if (!(value instanceof MapValue)) throw new CelError("must evaluate to Object");
  return jsonFromValue(value);
}

function operationsFrom(value: Value): unknown {
  if (!(value instanceof ListValue)) throw new CelError("must evaluate to a list of JSONPatch");
  return jsonFromValue(value);
}
