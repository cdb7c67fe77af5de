import { estimateCost } from "../../cel/estimate.ts";
import { CompileError, compileExpression, type Expression } from "../../cel/expression.ts";
import { type Declaration, declarationOf, mostTimes } from "../../cel/schema.ts";
import { optionalOf, type Type } from "../../cel/types.ts";
import type { FieldError, Path } from "../../field.ts";
import type { JSONSchemaProps, ValidationRule } from "../../schema/types.ts";

/**
 * The rules of a schema (x-kubernetes-validations; Kubernetes docs, "Validation rules"): whether they can be read, and whether
 * the most that they can cost is bearable.
 */

const costLimit = 10_000_000;
const totalCostLimit = 100_000_000;
const mostShown = 4;

/** Where in a definition's schema a rule stands. */
export interface RulePlace {
  /** How often the schema can be there in one object; undefined: that has no bound. */
  readonly cardinality: number | undefined;
  /** The list around it whose old and new items cannot be told to be the same. */
  readonly uncorrelatable: Path | undefined;
  readonly total: TotalCost;
}

/** What all rules of a definition cost together. */
export class TotalCost {
  #cost = 0;
  readonly #expensive: { readonly at: Path; readonly cost: number }[] = [];

  add(at: Path, cost: number): void {
    this.#cost += cost;
    if (cost >= totalCostLimit / 100) this.#expensive.push({ at, cost });
  }
  errors(schemaAt: Path): FieldError[] {
    if (this.#cost <= totalCostLimit) return [];
    const worst = this.#expensive.sort((a, b) => b.cost - a.cost).slice(0, mostShown);
    const what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    return [
      ...worst.map(({ at }) =>
        at.forbidden("contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"),
      ),
      schemaAt.forbidden(tooExpensive(what, this.#cost, totalCostLimit)),
    ];
  }
}

export function rootPlace(): RulePlace {
  return { cardinality: 1, uncorrelatable: undefined, total: new TotalCost() };
}

/** The place of what is inside a schema: its items, its values, its properties. */
export function placeInside(schema: JSONSchemaProps, place: RulePlace, at: Path): RulePlace {
  const { cardinality, uncorrelatable, total } = place;
  const most = schema.type === "array" ? schema.maxItems : schema.additionalProperties ? schema.maxProperties : 1;
  const isMatched = schema.type !== "array" || schema["x-kubernetes-list-type"] === "map";
  return {
    cardinality: cardinality === undefined || most === undefined ? undefined : cardinality * most,
    uncorrelatable: uncorrelatable ?? (isMatched ? undefined : at),
    total,
  };
}

/** What is wrong with the rules of one schema. */
export function validateRules(
  schema: JSONSchemaProps,
  at: Path,
  {
    isRoot,
    place,
    costIsKnown,
  }: { readonly isRoot: boolean; readonly place: RulePlace; readonly costIsKnown: boolean },
): FieldError[] {
  const rules = schema["x-kubernetes-validations"] ?? [];
  if (rules.length === 0) return [];
  const isResource = isRoot || schema["x-kubernetes-embedded-resource"] === true;
  const declaration = declarationOf(schema, { isResource, name: selfTypeName });
  // What has no type has nothing to speak of; that is complained of elsewhere.
  if (!declaration) return [];
  return rules.flatMap((rule, i) =>
    validateRule(rule, at.child("x-kubernetes-validations").index(i), { declaration, place, costIsKnown }),
  );
}

interface Surroundings {
  readonly declaration: Declaration;
  readonly place: RulePlace;
  /** Whether the schema is stored as it is: what its rules cost one by one was borne before. */
  readonly costIsKnown: boolean;
}

function validateRule(rule: ValidationRule, at: Path, { declaration, place, costIsKnown }: Surroundings): FieldError[] {
  const ruleAt = at.child("rule");
  const messageAt = at.child("messageExpression");
  const sizes = new Map([
    ["self", declaration],
    ["oldSelf", declaration],
  ]);
  const compiled = outcomeOf(() => compileRule(rule, declaration));
  const usesOld = "value" in compiled && compiled.value.uses("oldSelf");
  const repeated = place.cardinality ?? mostTimes(declaration);
  const cost = "value" in compiled ? estimateCost(compiled.value, sizes) * repeated : 0;
  place.total.add(ruleAt, cost);
  const errors =
    !costIsKnown && cost > costLimit ? [ruleAt.forbidden(tooExpensive("estimated rule cost", cost, costLimit))] : [];
  if ("problem" in compiled) errors.push(ruleAt.invalid(shownRule(rule), compiled.problem));
  // Of a rule that cannot be read nobody reads on.
  const message =
    "value" in compiled && rule.messageExpression ? outcomeOf(() => compileMessage(rule, declaration)) : undefined;
  if (message && "problem" in message) errors.push(messageAt.invalid(shownRule(rule), message.problem));
  if (message && "value" in message) {
    const messageCost = estimateCost(message.value, sizes);
    place.total.add(messageAt, messageCost);
    if (!costIsKnown && messageCost > costLimit)
      errors.push(messageAt.forbidden(tooExpensive("estimated messageExpression cost", messageCost, costLimit)));
  }
  if (usesOld && place.uncorrelatable)
    errors.push(
      ruleAt.invalid(
        rule.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelatable}`,
      ),
    );
  if (!usesOld && rule.optionalOldSelf !== undefined)
    errors.push(
      at.child("optionalOldSelf").invalid(rule.optionalOldSelf, "may not be set if oldSelf is not used in rule"),
    );
  return errors;
}

function outcomeOf<T>(make: () => T): { readonly value: T } | { readonly problem: string } {
  try {
    return { value: make() };
  } catch (error) {
    if (error instanceof CompileError) return { problem: error.message };
    throw error;
  }
}

// Kubernetes makes a new name each time, so that nobody comes to rely on it.
const selfTypeName = "selfType";

function variablesOf({ optionalOldSelf }: ValidationRule, { type }: Declaration): ReadonlyMap<string, Type> {
  return new Map([
    ["self", type],
    ["oldSelf", optionalOldSelf ? optionalOf(type) : type],
  ]);
}

/** The rule of a schema's validations, for values of the declaration. @throws {CompileError} */
export function compileRule(rule: ValidationRule, declaration: Declaration): Expression {
  const variables = variablesOf(rule, declaration);
  const expression = compiledAs(rule.rule, variables, "compilation failed");
  if (expression.type.sort !== "bool") throw new CompileError("cel expression must evaluate to a bool");
  return expression;
}

/** What makes the message when the rule does not hold. @throws {CompileError} */
export function compileMessage(rule: ValidationRule, declaration: Declaration): Expression {
  const variables = variablesOf(rule, declaration);
  const expression = compiledAs(rule.messageExpression ?? "", variables, "messageExpression compilation failed");
  if (expression.type.sort !== "string") throw new CompileError("messageExpression must evaluate to a string");
  return expression;
}

function compiledAs(text: string, variables: ReadonlyMap<string, Type>, head: string): Expression {
  try {
    return compileExpression(text, { variables });
  } catch (error) {
    if (error instanceof CompileError) throw new CompileError(`${head}: ${error.message}`, { cause: error });
    throw error;
  }
}

function shownRule({ rule, message, messageExpression, reason, fieldPath, optionalOldSelf }: ValidationRule): object {
  return {
    Rule: rule,
    Message: message ?? "",
    MessageExpression: messageExpression ?? "",
    Reason: reason ?? null,
    FieldPath: fieldPath ?? "",
    OptionalOldSelf: optionalOldSelf ?? null,
  };
}

function tooExpensive(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? "more than 100x" : `${factor.toFixed(factor < 1.5 ? 6 : 1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
