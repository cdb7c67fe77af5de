import type { Expression } from "../cel/expression.ts";
import { valueFromJson } from "../cel/from-json.ts";
import { CostExceeded, CostMeter } from "../cel/run-cost.ts";
import { type Declaration, declarationOf, escapedName } from "../cel/schema.ts";
import { CelError, Optional, type Value } from "../cel/values.ts";
import { type FieldError, omittedValue, type Path } from "../field.ts";
import { fieldFrom } from "../kinds/apiextensions/field-path.ts";
import { compileMessage, compileRule } from "../kinds/apiextensions/schema-rules.ts";
import type { JSONSchemaProps, ValidationRule } from "../schema/types.ts";
import { type Before, beforeField, beforeItem } from "./correlate.ts";

/** What evaluating one rule, and all rules of an object, may cost (Kubernetes docs, "Resource use by validation functions"). */
const ruleCostLimit = 1_000_000;
const objectCostLimit = 10_000_000;
const longestMessage = 5 * 1024;

/** The rules of a schema and of what is inside it, compiled; undefined where there are none. */
export interface SchemaRules {
  readonly schema: JSONSchemaProps;
  readonly declaration: Declaration | undefined;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, SchemaRules>;
  readonly items: SchemaRules | undefined;
  readonly values: SchemaRules | undefined;
  /** Rules inside allOf speak of the same value. */
  readonly also: readonly SchemaRules[];
}

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

/** @throws {CompileError} for a rule that a definition could not have been stored with */
export function rulesFrom(schema: JSONSchemaProps, { isResource = true } = {}): SchemaRules | undefined {
  return rulesOf(schema, declarationOf(schema, { isResource, name: "selfType" }), schema);
}

function rulesOf(
  schema: JSONSchemaProps,
  declaration: Declaration | undefined,
  spine: JSONSchemaProps,
): SchemaRules | undefined {
  const rules = declaration
    ? (schema["x-kubernetes-validations"] ?? []).map((rule) => ({
        rule,
        expression: compileRule(rule, declaration),
        message: rule.messageExpression ? compileMessage(rule, declaration) : undefined,
      }))
    : [];
  const properties = new Map<string, SchemaRules>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const own = spine.properties?.[name] ?? property;
    const inside = rulesOf(property, fieldDeclaration(declaration, name, own), own);
    if (inside) properties.set(name, inside);
  }
  const items = partRules(schema.items, declaration?.item, spine.items);
  const values = partRules(schema.additionalProperties, declaration?.item, spine.additionalProperties);
  const also = (schema.allOf ?? []).flatMap((part) => rulesOf(part, declaration, spine) ?? []);
  const isEmpty = rules.length + properties.size + also.length === 0 && !items && !values;
  return isEmpty ? undefined : { schema: spine, declaration, rules, properties, items, values, also };
}

function partRules(
  part: JSONSchemaProps["items"] | boolean,
  declaration: Declaration | undefined,
  spine: JSONSchemaProps["items"] | boolean,
): SchemaRules | undefined {
  if (!isSchema(part)) return undefined;
  return rulesOf(part, declaration ?? freshDeclaration(part), isSchema(spine) ? spine : part);
}

function isSchema(value: unknown): value is JSONSchemaProps {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldDeclaration(
  declaration: Declaration | undefined,
  name: string,
  schema: JSONSchemaProps,
): Declaration | undefined {
  const escaped = escapedName(name);
  const known = escaped === undefined ? undefined : declaration?.fields?.get(escaped)?.declaration;
  return known ?? freshDeclaration(schema);
}

function freshDeclaration(schema: JSONSchemaProps): Declaration | undefined {
  return declarationOf(schema, { isResource: schema["x-kubernetes-embedded-resource"] === true, name: "selfType" });
}

/** What does not hold in an object, as far as the budget of its rules reaches. `warn` gets what is forgiven. */
export function checkRules(
  rules: SchemaRules | undefined,
  value: unknown,
  { at, before, warn }: { readonly at: Path; readonly before: Before; readonly warn: (text: string) => void },
): FieldError[] {
  if (!rules) return [];
  const check = new RuleCheck(warn);
  try {
    check.node(rules, value, at, before);
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
  }
  return check.errors;
}

/** No further rule is looked at; why is among the errors. */
class OutOfBudget extends Error {
  override readonly name = "OutOfBudget";
}

interface Place {
  readonly at: Path;
  readonly before: Before;
  readonly type: string;
  readonly self: Value;
  readonly oldSelf: Value | undefined;
}

class RuleCheck {
  readonly errors: FieldError[] = [];
  readonly #warn: (text: string) => void;
  #budget = objectCostLimit;

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  node(node: SchemaRules, value: unknown, at: Path, before: Before): void {
    if (value === null || value === undefined) return;
    if (node.rules.length > 0) this.#rules(node, value, at, before);
    for (const part of node.also) this.node(part, value, at, { value: before.value, isSame: false });
    if (Array.isArray(value)) {
      if (node.items)
        for (const [i, item] of value.entries())
          this.node(node.items, item, at.index(i), beforeItem(node.schema, before, item));
      return;
    }
    if (typeof value !== "object") return;
    for (const [name, inner] of Object.entries(value)) {
      const property = node.properties.get(name);
      const then = (): Before => beforeField(before, name, inner);
      if (property) this.node(property, inner, at.child(name), then());
      else if (node.values) this.node(node.values, inner, at.key(name), then());
    }
  }

  #rules({ rules, declaration, schema }: SchemaRules, value: unknown, at: Path, before: Before): void {
    const { value: old } = before;
    const place: Place = {
      at,
      before,
      type: schema.type ?? "",
      self: valueFromJson(value, declaration),
      oldSelf: old === undefined || old === null ? undefined : valueFromJson(old, declaration),
    };
    for (const rule of rules) {
      if (this.#budget <= 0) this.#stop(at.invalid(place.type, outOfBudget));
      this.#rule(rule, schema, value, place);
    }
  }

  #rule(compiled: CompiledRule, schema: JSONSchemaProps, value: unknown, place: Place): void {
    const { rule, expression } = compiled;
    const { at, type, before } = place;
    const usesOld = expression.uses("oldSelf");
    const isOptional = rule.optionalOldSelf === true;
    if (usesOld && place.oldSelf === undefined && !isOptional) return;
    const oldSelf = isOptional ? new Optional(place.oldSelf) : place.oldSelf;
    const scope = (name: string): Value | undefined => (name === "self" ? place.self : oldSelf);
    const outcome = this.#evaluated(expression, scope);
    if (this.#budget < 0) this.#stop(at.invalid(type, outOfBudget));
    if (outcome instanceof CelError) {
      this.errors.push(at.invalid(type, problemText(outcome, rule)));
      return;
    }
    if (outcome === exceeded) {
      const cancelled = "operation cancelled: actual cost limit exceeded";
      const more = "no further validation rules will be run due to call cost exceeds limit for rule";
      this.#stop(at.invalid(type, `'${cancelled}': ${more}: ${ruleText(rule)}`));
    }
    if (outcome === true) return;
    const where = placeOf(rule, schema, at);
    const detail = this.#message(compiled, scope, where, type) ?? defaultMessage(rule);
    const error = errorFor(rule, where, value, detail);
    if (!usesOld && before.isSame) this.#warn(`${error.field}: ${error.message}`);
    else this.errors.push(error);
  }

  /** What the rule itself says of why; undefined where it says nothing that can be shown. */
  #message(
    { rule, message }: CompiledRule,
    scope: (name: string) => Value | undefined,
    at: Path,
    type: string,
  ): string | undefined {
    if (!message) return undefined;
    const text = this.#evaluated(message, scope);
    if (this.#budget < 0) this.#stop(at.invalid(type, `messageExpression evaluation ${withoutBudget}`));
    if (text === exceeded) {
      const why = "no further validation rules will be run due to call cost exceeds limit for messageExpression";
      this.#stop(at.invalid(type, `${why}: ${JSON.stringify(rule.messageExpression)}`));
    }
    const shown = typeof text === "string" ? text.trim() : "";
    return shown === "" || shown.includes("\n") || Buffer.byteLength(shown) > longestMessage ? undefined : shown;
  }

  #evaluated(expression: Expression, scope: (name: string) => Value | undefined): Value | CelError | typeof exceeded {
    const meter = new CostMeter(ruleCostLimit);
    try {
      return expression.evaluate(scope, meter);
    } catch (error) {
      if (error instanceof CostExceeded) return exceeded;
      if (error instanceof CelError) return error;
      throw error;
    } finally {
      this.#budget -= meter.spent;
    }
  }
  #stop(error: FieldError): never {
    this.errors.push(error);
    throw new OutOfBudget();
  }
}

const exceeded = Symbol("exceeded");
const withoutBudget = "failed due to running out of cost budget, no further validation rules will be run";
const outOfBudget = `validation ${withoutBudget}`;

function problemText(error: CelError, rule: ValidationRule): string {
  if (error.message.startsWith("no such overload"))
    return `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}`;
  return `${error.message} evaluating rule: ${ruleText(rule)}`;
}

/** Where the rule wants to be read: at a field inside its value, or there. */
function placeOf({ fieldPath }: ValidationRule, schema: JSONSchemaProps, at: Path): Path {
  if (!fieldPath) return at;
  const found = fieldFrom(fieldPath.trim(), schema, { from: at });
  return "place" in found ? found.place : at;
}

function ruleText({ rule, message }: ValidationRule): string {
  return (message || rule).trim();
}
function defaultMessage(rule: ValidationRule): string {
  return rule.message ? rule.message.trim() : `failed rule: ${ruleText(rule)}`;
}

function errorFor({ reason }: ValidationRule, at: Path, value: unknown, detail: string): FieldError {
  // What is large is not shown.
  const shown = typeof value === "object" ? omittedValue : value;
  switch (reason) {
    case "FieldValueForbidden":
      return at.forbidden(detail);
    case "FieldValueRequired":
      return at.required(detail);
    case "FieldValueDuplicate":
      return at.duplicate(shown);
    default:
      return at.invalid(shown, detail);
  }
}
