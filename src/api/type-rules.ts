import type { SchemaNode } from "./schema/node.ts";
import { isType, typeNameOf, typeNode } from "./schema/table.ts";

/** What is done to a value of a type wherever it occurs in an object, or asked of it; may change the value. */
export type TypeRules = Readonly<Record<string, Rule>>;
type Rule = (value: never) => unknown;

type Fields = Record<string, unknown>;

/** What there is to do at an object of one type, and below it. */
interface Plan {
  readonly rule: Rule | undefined;
  readonly values: { readonly name: string; readonly value: unknown; readonly pointer: boolean }[];
  readonly below: { readonly name: string; readonly node: SchemaNode; readonly plan: Plan }[];
}

/**
 * What carries rules out at an object and at all that it holds: from outside to inside. Says whether one of them answered
 * true. `values`: also fills in the defaults that the schema itself knows. The way to where there is something to do is
 * found once per type.
 */
export function openTypeRules(
  rules: TypeRules,
  { values }: { values: boolean },
): (object: object, type: string) => boolean {
  const plans = new Map<string, Plan>();
  const trimmed = new WeakSet<Plan>();

  const planOf = (node: SchemaNode, type: string): Plan => {
    const known = plans.get(type);
    if (known) return known;
    const plan: Plan = { rule: rules[type], values: [], below: [] };
    // Before its parts: a type may contain itself.
    plans.set(type, plan);
    for (const { name, node: inner, default: value, pointer } of node.fields.values()) {
      if (values && value !== undefined && (pointer || value)) plan.values.push({ name, value, pointer });
      const part = objectIn(inner);
      const partType = part && typeNameOf(part);
      if (part && partType) plan.below.push({ name, node: inner, plan: planOf(part, partType) });
    }
    return plan;
  };

  const carryOut = (plan: Plan, object: Fields): boolean => {
    if (!trimmed.has(plan)) {
      plan.below.splice(0, plan.below.length, ...plan.below.filter((part) => hasWork(part.plan, new Set())));
      trimmed.add(plan);
    }
    for (const { name, value, pointer } of plan.values) {
      const given = object[name];
      if (given === undefined || given === null || (!pointer && !given)) object[name] = value;
    }
    let answer = plan.rule?.(object as never) === true;
    for (const part of plan.below) answer = carryOutIn(part.node, part.plan, object[part.name]) || answer;
    return answer;
  };

  const carryOutIn = (node: SchemaNode, plan: Plan, value: unknown): boolean => {
    if (value === undefined || value === null) return false;
    if (node.sort === "object") return carryOut(plan, value as Fields);
    let answer = false;
    if (node.item) for (const item of Object.values(value)) answer = carryOutIn(node.item, plan, item) || answer;
    return answer;
  };

  return (object, type) => isType(type) && carryOut(planOf(typeNode(type), type), object as Fields);
}

function objectIn(node: SchemaNode): SchemaNode | undefined {
  if (node.sort === "object") return node;
  return node.item && (node.sort === "list" || node.sort === "map") ? objectIn(node.item) : undefined;
}

function hasWork(plan: Plan, seen: Set<Plan>): boolean {
  if (plan.rule || plan.values.length > 0) return true;
  if (seen.has(plan)) return false;
  seen.add(plan);
  return plan.below.some((part) => hasWork(part.plan, seen));
}
