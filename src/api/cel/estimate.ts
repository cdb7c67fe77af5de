import { type Checked, calledName } from "./check.ts";
import { estimatedCall } from "./estimate-calls.ts";
import { type Range, range, unknownSize } from "./estimate-range.ts";
import { Locals, type Named } from "./locals.ts";
import type { Declaration } from "./schema.ts";
import type { Call, Expr, Fold, ListLiteral, MapLiteral, Select } from "./syntax.ts";
import type { Type } from "./types.ts";
import { codePoints } from "./values.ts";

/** What a part of an expression may cost, and how large its value may be, as far as that is known. */
export interface Estimated {
  readonly cost: Range;
  readonly size: Range | undefined;
  readonly type: Type;
  /** What is known of the schema of its value. */
  readonly declaration: Declaration | undefined;
}

/** What is known of a variable of a fold; `item`: how large its items may be. */
interface Local {
  readonly declaration: Declaration | undefined;
  readonly size: Range | undefined;
  readonly item: Range | undefined;
}

/**
 * The most that evaluating an expression can cost, whatever the variables hold that their declarations allow. The rules are those
 * by which Kubernetes decides which rules a CustomResourceDefinition may have.
 */
export function estimateCost(checked: Checked, variables: ReadonlyMap<string, Declaration>): number {
  return new Estimate(checked, variables).costOf(checked.expression).max;
}

class Estimate {
  readonly #checked: Checked;
  readonly #variables: ReadonlyMap<string, Declaration>;
  readonly #locals = new Locals<Local>();
  readonly #sizes = new Map<Expr, Range>();
  readonly #items = new Map<Expr, Range>();

  constructor(checked: Checked, variables: ReadonlyMap<string, Declaration>) {
    this.#checked = checked;
    this.#variables = variables;
  }

  costOf(expression: Expr): Range {
    switch (expression.sort) {
      case "literal":
        return range(0);
      case "ident":
        return range(1);
      case "select":
        return this.#select(expression);
      case "call":
        return this.#call(expression);
      case "list":
        return this.#list(expression);
      case "map":
        return this.#map(expression);
      case "struct":
        return expression.fields.reduce((sum, { value }) => sum.plus(this.costOf(value)), range(40));
      case "fold":
        return isBinding(expression) ? this.#binding(expression) : this.#fold(expression);
    }
  }
  #typeOf(expression: Expr): Type {
    return this.#checked.types.get(expression) ?? { sort: "dyn" };
  }

  #select(expression: Select): Range {
    if (this.#checked.names.has(expression)) return range(1);
    const operand = this.costOf(expression.operand);
    if (expression.isTest) return operand;
    const { sort } = this.#typeOf(expression.operand);
    return sort === "map" || sort === "object" || sort === "param" ? operand.plus(range(1)) : operand;
  }

  #call(call: Call): Range {
    const { name, args, target } = call;
    const [first] = args;
    if (name === "dyn" && first) {
      const cost = this.costOf(first).plus(range(1));
      this.#remember(call, this.#sizeOf(first), this.#items.get(first));
      return cost;
    }
    const resolved = this.#checked.calls.get(call);
    const costs = args.map((arg) => this.costOf(arg));
    if (name === "_?._") return (costs[0] ?? range(0)).plus(range(1));
    if (!resolved) return range(0);
    const isMember = target !== undefined && !resolved.isQualified;
    const before = isMember ? this.costOf(target) : range(0);
    const given = {
      name: calledName(call, resolved.isQualified),
      args: args.map((arg, i) => this.#estimated(arg, costs[i] ?? range(0))),
      target: isMember ? this.#estimated(target, before) : undefined,
    };
    let cost: Range | undefined;
    let size: Range | undefined;
    for (const { id } of resolved.overloads) {
      const estimated = estimatedCall({ ...given, id });
      cost = cost ? cost.union(estimated.cost) : estimated.cost;
      if (estimated.size) size = size ? size.union(estimated.size) : estimated.size;
      if (first && (id === "index_list" || id === "index_map")) size = this.#items.get(first) ?? size;
    }
    this.#remember(call, size ?? this.#sizeOf(call), this.#itemsOfCall(call));
    return before.plus(cost ?? range(0));
  }
  #itemsOfCall({ name, args }: Call): Range | undefined {
    const joins = name === "_+_" ? args : name === "_?_:_" ? args.slice(1) : [];
    const [left, right] = joins.map((arg) => this.#itemSize(arg));
    return left && right ? left.union(right) : undefined;
  }
  #estimated(expression: Expr, cost: Range): Estimated {
    return {
      cost,
      size: this.#sizeOf(expression),
      type: this.#typeOf(expression),
      declaration: this.#declarationOf(expression),
    };
  }

  #list(expression: ListLiteral): Range {
    const costs = expression.items.map(({ value }) => this.costOf(value));
    this.#items.set(expression, this.#unionOf(expression.items.map(({ value }) => value)));
    return costs.reduce((sum, cost) => sum.plus(cost), range(10));
  }
  #map(expression: MapLiteral): Range {
    const costs = expression.entries.map(({ key, value }) => this.costOf(key).plus(this.costOf(value)));
    this.#items.set(expression, this.#unionOf(expression.entries.map(({ value }) => value)));
    return costs.reduce((sum, cost) => sum.plus(cost), range(30));
  }
  #unionOf(parts: readonly Expr[]): Range {
    const [first, ...rest] = parts.map((part) => this.#sizeOf(part) ?? unknownSize);
    return first ? rest.reduce((all, size) => all.union(size), first) : range(0);
  }

  #fold(fold: Fold): Range {
    const before = this.costOf(fold.range).plus(this.costOf(fold.initial));
    const variables = this.#variablesOf(fold);
    const { round, after } = this.#locals.within([this.#accumulatorOf(fold)], () => ({
      round: this.#locals.within(variables, () => this.costOf(fold.condition).plus(this.costOf(fold.step))),
      after: this.costOf(fold.result),
    }));
    const count = this.#sizeOf(fold.range) ?? unknownSize;
    if (fold.initial.sort === "literal") this.#remember(fold, this.#sizeOf(fold.initial), undefined);
    else this.#remember(fold, count, this.#itemSize(fold.step));
    return before.plus(after).plus(count.times(round));
  }
  #binding(fold: Fold): Range {
    const before = this.costOf(fold.range).plus(this.costOf(fold.initial));
    return this.#locals.within([this.#accumulatorOf(fold)], () => {
      const after = this.costOf(fold.result);
      this.#remember(fold, this.#sizeOf(fold.result), this.#itemSize(fold.result));
      return before.plus(after);
    });
  }
  #accumulatorOf({ accumulator, initial }: Fold): Named<Local> {
    const value = {
      declaration: this.#declarationOf(initial),
      size: this.#sizeOf(initial),
      item: this.#itemSize(initial),
    };
    return { name: accumulator, value };
  }
  #variablesOf({ range: over, variable, second }: Fold): Named<Local>[] {
    const declared = this.#declarationOf(over);
    const size = this.#itemSize(over);
    const key = { declaration: declared?.key, size: undefined, item: undefined };
    const item = { declaration: declared?.item, size, item: undefined };
    if (second !== undefined)
      return [
        { name: variable, value: key },
        { name: second, value: item },
      ];
    return [{ name: variable, value: this.#typeOf(over).sort === "list" ? item : { ...key, size } }];
  }

  #remember(expression: Expr, size: Range | undefined, item: Range | undefined): void {
    if (size) this.#sizes.set(expression, size);
    if (item) this.#items.set(expression, item);
  }
  #itemSize(expression: Expr): Range | undefined {
    const known = this.#items.get(expression);
    if (known || expression.sort !== "ident") return known;
    return this.#locals.find(expression.name)?.item;
  }
  #sizeOf(expression: Expr): Range | undefined {
    const known = this.#sizes.get(expression) ?? literalSize(expression);
    if (known) return known;
    const declaration = this.#declarationOf(expression);
    if (declaration) return range(0, declaration.maxElements);
    if (isScalar(this.#typeOf(expression))) return range(1);
    if (expression.sort !== "ident") return undefined;
    return this.#locals.find(expression.name)?.size;
  }

  #declarationOf(expression: Expr): Declaration | undefined {
    switch (expression.sort) {
      case "ident": {
        const local = this.#locals.find(expression.name);
        if (local) return local.declaration;
        // Kubernetes looks for the sizes of all names in the first variable; so it does for those of types.
        return this.#variables.get(expression.name) ?? this.#variables.values().next().value;
      }
      case "select":
        return expression.isTest
          ? undefined
          : this.#declarationOf(expression.operand)?.fields?.get(expression.field)?.declaration;
      case "call": {
        const [container] = expression.args;
        return expression.name === "_[_]" && container ? this.#declarationOf(container)?.item : undefined;
      }
      default:
        return undefined;
    }
  }
}

/** A fold over nothing, which only gives its accumulator a value. */
function isBinding({ range: over, condition }: Fold): boolean {
  return over.sort === "list" && over.items.length === 0 && condition.sort === "literal" && condition.value === false;
}

function literalSize(expression: Expr): Range | undefined {
  switch (expression.sort) {
    case "literal": {
      const { value } = expression;
      if (typeof value === "string") return range(codePoints(value));
      return range(value instanceof Uint8Array ? value.length : 1);
    }
    case "list":
      return range(expression.items.length);
    case "map":
      return range(expression.entries.length);
    default:
      return undefined;
  }
}

function isScalar(type: Type): boolean {
  if (type.sort === "optional") return isScalar(type.of);
  return ["bool", "double", "duration", "int", "timestamp", "uint"].includes(type.sort);
}
