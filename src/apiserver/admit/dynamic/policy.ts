import { compileAdmission } from "../../../api/cel/admission.ts";
import { type Expression, isEvaluationError } from "../../../api/cel/expression.ts";
import { valueFromJson } from "../../../api/cel/from-json.ts";
import { CostMeter } from "../../../api/cel/run-cost.ts";
import { CelError, MapValue, type Value } from "../../../api/cel/values.ts";
import type { Kind } from "../../../api/kind.ts";
import type { BindingSpec } from "../../../api/kinds/admissionregistration/binding.ts";
import { conditionScope, type PolicySpec, policyScope } from "../../../api/kinds/admissionregistration/policy.ts";
import type { AnyObject, KubeObject } from "../../../api/object.ts";
import type { MatchResources, ParamRef } from "../../../api/schema/types.ts";
import { type LabelSelector, selects } from "../../../api/selector.ts";
import { StatusError } from "../../../api/status.ts";
import { heldObject } from "../../registry/held.ts";
import { storeKey, storePrefix } from "../../registry/resources.ts";
import type { Review } from "../admission.ts";
import type { AdmissionSurroundings } from "../all.ts";
import { type CompiledCondition, compileConditions, conditionsHold, scopeOf, valuesOf } from "./conditions.ts";
import { Followed } from "./followed.ts";
import { type Matching, matched, namespaceOf, type SeenAs } from "./match.ts";
import type { Phase } from "./review.ts";

/** What evaluating one expression of a policy, and all of them for a request, may cost. */
const expressionCostLimit = 1_000_000;
const policyCostLimit = 10_000_000;

export interface Policy<S extends PolicySpec> {
  readonly name: string;
  readonly spec: S;
  readonly matching: Matching;
  readonly conditions: readonly CompiledCondition[];
  readonly variables: ReadonlyMap<string, Expression>;
  /** What its own expressions may speak of. */
  readonly scope: ReturnType<typeof policyScope>;
}

/** @throws {CompileError} for what could not have been stored */
export function policyFrom<S extends PolicySpec>({ metadata, spec }: KubeObject & { spec: S }): Policy<S> {
  const scope = policyScope(spec);
  return {
    name: metadata.name,
    spec,
    matching: matchingFrom(spec.matchConstraints),
    conditions: compileConditions(spec.matchConditions, conditionScope(spec)),
    variables: new Map(
      (spec.variables ?? []).map(({ name = "", expression = "" }) => [name, compileAdmission(expression, scope)]),
    ),
    scope,
  };
}

export interface Binding {
  readonly name: string;
  readonly policy: string;
  readonly matching: Matching | undefined;
  readonly paramRef: ParamRef | undefined;
  readonly actions: readonly string[];
}

/** Those of mutating policies name no actions. */
type ValidatingBindingSpec = BindingSpec & { validationActions?: string[] };

/** From a binding of either sort. */
function bindingFrom({ metadata, spec = {} }: KubeObject & { spec?: ValidatingBindingSpec }): Binding {
  const { policyName = "", paramRef, matchResources, validationActions = [] } = spec;
  return {
    name: metadata.name,
    policy: policyName,
    matching: matchResources && matchingFrom(matchResources),
    paramRef,
    actions: validationActions,
  };
}

/** The policies of one sort and their bindings, as they are now. */
export interface Policies<P> extends Disposable {
  readonly policies: readonly P[];
  readonly bindings: readonly Binding[];
}

/** Follows the policies of one sort and their bindings. `read` makes of a policy what is evaluated. */
export function followPolicies<K extends KubeObject, P>(
  surroundings: AdmissionSurroundings,
  kinds: { readonly policy: Kind<K>; readonly binding: Kind<KubeObject & { spec?: BindingSpec }> },
  read: (object: K) => P,
): Policies<P> {
  const policies = new Followed(surroundings, kinds.policy, read);
  const bindings = new Followed(surroundings, kinds.binding, bindingFrom);
  return {
    get policies() {
      return policies.all;
    },
    get bindings() {
      return bindings.all;
    },
    [Symbol.dispose]() {
      policies[Symbol.dispose]();
      bindings[Symbol.dispose]();
    },
  };
}

function matchingFrom(match: MatchResources = {}): Matching {
  const { resourceRules, excludeResourceRules, namespaceSelector, objectSelector, matchPolicy } = match;
  return {
    // A binding that names no rules narrows nothing.
    rules: resourceRules ?? everything,
    ...(excludeResourceRules && { excludeRules: excludeResourceRules }),
    namespaceSelector,
    objectSelector,
    matchPolicy,
  };
}

const everything = [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }];

/** A policy that is to look at a request, once for each object of its parameters. */
export interface Evaluation {
  readonly binding: Binding;
  readonly seen: SeenAs;
  /** @throws {CelError | CostExceeded} */
  evaluate(expression: Expression): Value;
}

/** Why a policy cannot look at a request: that counts as a refusal unless it says otherwise. */
export class PolicyProblem extends Error {
  override readonly name = "PolicyProblem";
  readonly binding: Binding;
  constructor(binding: Binding, message: string) {
    super(message);
    this.binding = binding;
  }
}

/**
 * The evaluations of a policy that a request asks for.
 * @throws {PolicyProblem}
 */
export function* evaluationsOf<S extends PolicySpec>(
  policy: Policy<S>,
  bindings: readonly Binding[],
  { review, phase, surroundings }: { review: Review; phase: Phase; surroundings: AdmissionSurroundings },
): Generator<Evaluation> {
  const { store, authorizer, registry } = surroundings;
  const own = bindings.filter((binding) => binding.policy === policy.name);
  if (own.length === 0) return;
  const around = { store, catalog: registry().catalog };
  const seen = matched(review, policy.matching, around);
  if (!seen) return;
  const values = valuesOf(review, seen, { phase, authorizer });
  const { namespace } = review.call;
  const namespaceObject = valueFromJson(namespace === undefined ? null : shownNamespace(namespaceOf(store, namespace)));
  for (const binding of own) {
    if (binding.matching && !matched(review, binding.matching, around)) continue;
    for (const params of paramsOf(policy, binding, review, surroundings)) {
      const budget = new CostMeter(policyCostLimit);
      const scope = scopeOf(values, { params: valueFromJson(params), namespaceObject });
      const variables = new Variables(policy.variables, (name) => full(name), budget);
      const full = (name: string): Value | undefined => (name === "variables" ? variables : scope(name));
      try {
        if (!conditionsHold(policy.conditions, full)) continue;
      } catch (error) {
        if (!isEvaluationError(error)) throw error;
        throw new PolicyProblem(binding, error.message);
      }
      yield { binding, seen, evaluate: (expression) => evaluated(expression, full, budget) };
    }
  }
}

/** Why a policy refuses when one of its expressions has no value, or one that cannot be used. @throws what is no such thing */
export function expressionProblem({ text }: Expression, error: unknown): string {
  if (!isEvaluationError(error) && !(error instanceof StatusError)) throw error;
  return `expression '${text.trim()}' resulted in error: ${error.message}`;
}

function evaluated(expression: Expression, scope: (name: string) => Value | undefined, budget: CostMeter): Value {
  const meter = new CostMeter(expressionCostLimit);
  try {
    return expression.evaluate(scope, meter);
  } finally {
    budget.charge(meter.spent);
  }
}

/** A policy's variables: each is evaluated when it is first looked at, and at most once. */
class Variables extends MapValue {
  readonly #expressions: ReadonlyMap<string, Expression>;
  readonly #scope: (name: string) => Value | undefined;
  readonly #budget: CostMeter;
  readonly #known = new Map<string, Value | CelError>();

  constructor(
    expressions: ReadonlyMap<string, Expression>,
    scope: (name: string) => Value | undefined,
    budget: CostMeter,
  ) {
    super();
    this.#expressions = expressions;
    this.#scope = scope;
    this.#budget = budget;
  }

  get(key: Value): Value | undefined {
    const name = String(key);
    const expression = this.#expressions.get(name);
    if (!expression) return undefined;
    const known = this.#known.get(name) ?? this.#evaluated(expression);
    this.#known.set(name, known);
    if (known instanceof CelError) throw known;
    return known;
  }
  #evaluated(expression: Expression): Value | CelError {
    try {
      return evaluated(expression, this.#scope, this.#budget);
    } catch (error) {
      if (error instanceof CelError) return error;
      throw error;
    }
  }
  keys(): Value[] {
    return [...this.#expressions.keys()];
  }
  get size(): number {
    return this.#expressions.size;
  }
}

/** Of a namespace, what policies may know. */
function shownNamespace(namespace: AnyObject | undefined): unknown {
  if (!namespace) return null;
  const { metadata, spec, status } = namespace;
  const { uid, managedFields, ownerReferences, selfLink, ...kept } = metadata as typeof metadata & {
    selfLink?: string;
  };
  return { metadata: { ...kept, UID: uid }, spec, status };
}

/** The objects of a policy's parameters: null where it has or wants none. */
function paramsOf<S extends PolicySpec>(
  { spec }: Policy<S>,
  binding: Binding,
  { call }: Review,
  { store, registry }: AdmissionSurroundings,
): unknown[] {
  const { paramKind } = spec;
  const { paramRef } = binding;
  if (!paramKind || !paramRef) return [null];
  const resource = registry().catalog.ofKind(paramKind.apiVersion ?? "", paramKind.kind ?? "");
  if (!resource)
    throw new PolicyProblem(
      binding,
      `failed to configure binding: paramKind kind \`${paramKind.apiVersion}, Kind=${paramKind.kind}\` not known`,
    );
  const isNamespaced = resource.kind.scope === "Namespaced";
  const namespace = isNamespaced ? (paramRef.namespace ?? call.namespace) : undefined;
  if (isNamespaced && namespace === undefined)
    throw new PolicyProblem(
      binding,
      "failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped resources",
    );
  const entries = paramRef.name
    ? [store.latest(storeKey(resource, namespace, paramRef.name))]
    : store
        .list(storePrefix(resource, namespace))
        .entries.filter((entry) => selects(paramRef.selector as LabelSelector, heldObject(entry).metadata.labels));
  const found = entries.flatMap((entry) => (entry ? [heldObject(entry)] : []));
  if (found.length === 0 && paramRef.parameterNotFoundAction === "Deny")
    throw new PolicyProblem(
      binding,
      "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    );
  return found;
}
