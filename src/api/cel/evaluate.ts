import { type Checked, calledName, typeNames } from "./check.ts";
import { optionalIndex } from "./functions/operators.ts";
import type { Overload } from "./functions/overload.ts";
import { Locals, type Named } from "./locals.ts";
import { type CostMeter, callCost } from "./run-cost.ts";
import type { Call, Expr, Fold, Select } from "./syntax.ts";
import { type Type, typeText } from "./types.ts";
import {
  CelError,
  Duration,
  EntryMap,
  ListValue,
  MapValue,
  noOverload,
  noValue,
  OpaqueValue,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from "./values.ts";

const listCost = 10;
const mapCost = 30;
const structCost = 40;

/** The values of variables by name. */
export type Scope = (name: string) => Value | undefined;

/**
 * What an expression is worth.
 * @throws {CelError} when a part has no value (a missing key, a division by zero), as CEL words it
 * @throws {CostExceeded}
 */
export function evaluate(checked: Checked, scope: Scope, meter: CostMeter): Value {
  return new Evaluation(checked, scope, meter).value(checked.expression);
}

/** The value of a fold's variable. What has gone wrong so far may not matter in the end: `all` and `exists` go on. */
type Local = Value | CelError;

class Evaluation {
  readonly #checked: Checked;
  readonly #scope: Scope;
  readonly #meter: CostMeter;
  readonly #locals = new Locals<Local>();

  constructor(checked: Checked, scope: Scope, meter: CostMeter) {
    this.#checked = checked;
    this.#scope = scope;
    this.#meter = meter;
  }

  value(expression: Expr): Value {
    switch (expression.sort) {
      case "literal": {
        const { value } = expression;
        return value !== null && typeof value === "object" && "uint" in value ? new Uint(value.uint) : value;
      }
      case "ident":
        return this.#named(expression.name);
      case "select":
        return this.#select(expression);
      case "call":
        return this.#call(expression);
      case "list": {
        const items = expression.items.flatMap(({ value, isOptional }) => this.#items(value, isOptional));
        this.#meter.charge(listCost);
        return new ListValue(items);
      }
      case "map": {
        const entries = expression.entries.flatMap(({ key, value, isOptional }): [Value, Value][] => {
          const name = this.value(key);
          return this.#items(value, isOptional).map((item) => [name, item]);
        });
        this.#meter.charge(mapCost);
        return new EntryMap(entries);
      }
      case "struct": {
        const entries = expression.fields.flatMap(({ name, value, isOptional }): [Value, Value][] =>
          this.#items(value, isOptional).map((item) => [name, item]),
        );
        this.#meter.charge(structCost);
        return new EntryMap(entries);
      }
      case "fold":
        return this.#fold(expression);
    }
  }
  #items(expression: Expr, isOptional: boolean): Value[] {
    const value = this.value(expression);
    if (!isOptional) return [value];
    if (!(value instanceof Optional)) throw noOverload();
    return value.value === undefined ? [] : [value.value];
  }

  #named(name: string): Value {
    this.#meter.charge(1);
    const local = this.#locals.find(name);
    const value = local === undefined ? this.#scope(name) : local;
    if (value instanceof CelError) throw value;
    if (value !== undefined) return value;
    const type = typeNames.get(name);
    if (type?.sort === "type") return new TypeValue(name);
    throw new CelError(`no such attribute(s): ${name}`);
  }
  #select(expression: Select): Value {
    const { operand, field, isTest } = expression;
    const whole = this.#checked.names.get(expression);
    if (whole !== undefined) return this.#named(whole);
    const container = this.value(operand);
    if (isTest) return fieldOf(container, field) !== undefined;
    this.#meter.charge(1);
    if (container instanceof Optional) return optionalField(container, field);
    const value = fieldOf(container, field);
    if (value === undefined) throw new CelError(`no such key: ${field}`);
    return value;
  }

  #call(call: Call): Value {
    const { name, args } = call;
    const [first, second, third] = args;
    if (first && second)
      switch (name) {
        case "_&&_":
        case "_||_":
          return this.#logical(first, second, name === "_||_");
        case "_?_:_":
          if (third) return this.value(this.#truth(first) ? second : third);
          break;
        case "_?._":
          this.#meter.charge(1);
          if (second.sort === "literal") return optionalIndexOf(this.value(first), String(second.value));
      }
    if (name === "@not_strictly_false" && first) return this.#isNotFalse(first);
    return this.#called(call);
  }
  #truth(expression: Expr): boolean {
    const value = this.value(expression);
    if (typeof value !== "boolean") throw noOverload();
    return value;
  }
  /** Either side may decide alone, even when the other has gone wrong. */
  #logical(left: Expr, right: Expr, decisive: boolean): boolean {
    let wrong: CelError | undefined;
    for (const side of [left, right])
      try {
        if (this.#truth(side) === decisive) return decisive;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        wrong ??= error;
      }
    if (wrong) throw wrong;
    return !decisive;
  }
  #isNotFalse(expression: Expr): boolean {
    try {
      return this.value(expression) !== false;
    } catch (error) {
      if (error instanceof CelError) return true;
      throw error;
    }
  }
  #called(call: Call): Value {
    const resolved = this.#checked.calls.get(call);
    if (!resolved) throw noOverload();
    const values = call.args.map((arg) => this.value(arg));
    if (call.target && !resolved.isQualified) values.unshift(this.value(call.target));
    const chosen = resolved.overloads.find((overload) => fits(overload, values));
    if (!chosen) throw noOverload();
    const result = chosen.call(...values);
    this.#meter.charge(callCost(calledName(call, resolved.isQualified), values, result));
    return result;
  }

  #fold(fold: Fold): Value {
    const { variable, second: other, accumulator } = fold;
    const range = this.value(fold.range);
    let collected: Local = this.value(fold.initial);
    for (const [first, second] of pairsOf(range)) {
      const variables: Named<Local>[] =
        other === undefined
          ? [{ name: variable, value: range instanceof ListValue ? second : first }]
          : [
              { name: variable, value: first },
              { name: other, value: second },
            ];
      const known: Named<Local>[] = [{ name: accumulator, value: collected }, ...variables];
      const next: Local | undefined = this.#locals.within(known, () => this.#round(fold));
      if (next === undefined) break;
      collected = next;
    }
    return this.#locals.within([{ name: accumulator, value: collected }], () => this.value(fold.result));
  }
  /** What a fold's accumulator is after one more item; undefined: the fold is over before it. */
  #round({ condition, step }: Fold): Local | undefined {
    if (this.value(condition) !== true) return undefined;
    try {
      return this.value(step);
    } catch (error) {
      const goesOn = condition.sort === "call" && condition.name === "@not_strictly_false";
      if (!goesOn || !(error instanceof CelError)) throw error;
      return error;
    }
  }
}

/** Positions and items of a list, keys and values of a map. */
function* pairsOf(range: Value): Generator<readonly [Value, Value]> {
  if (range instanceof ListValue) {
    let position = 0n;
    for (const item of range.items) yield [position++, item];
  } else if (range instanceof MapValue) for (const key of range.keys()) yield [key, range.get(key) ?? null];
  else throw noOverload();
}

function fieldOf(container: Value, field: string): Value | undefined {
  if (container instanceof Optional) return container.value === undefined ? undefined : fieldOf(container.value, field);
  if (!(container instanceof MapValue)) throw noOverload();
  return container.get(field);
}

function optionalField({ value }: Optional, field: string): Optional {
  return value === undefined ? noValue : optionalIndexOf(value, field);
}

function optionalIndexOf(container: Value, field: string): Optional {
  return container instanceof Optional ? optionalField(container, field) : optionalIndex(container, field);
}

function fits({ args }: Overload, values: readonly Value[]): boolean {
  return args.length === values.length && args.every((type, i) => isOfType(values[i] ?? null, type));
}

/** Whether a value is of a type, as far as the choice among a function's forms needs to know. */
function isOfType(value: Value, type: Type): boolean {
  switch (type.sort) {
    case "dyn":
    case "param":
    case "error":
      return true;
    case "null":
      return value === null;
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint";
    case "uint":
      return value instanceof Uint;
    case "double":
      return typeof value === "number";
    case "string":
      return typeof value === "string";
    case "bytes":
      return value instanceof Uint8Array;
    case "timestamp":
      return value instanceof Timestamp;
    case "duration":
      return value instanceof Duration;
    case "list":
      return value instanceof ListValue && value.items.every((item) => isOfType(item, type.item));
    case "map":
    case "object":
      return value instanceof MapValue;
    case "optional":
      return value instanceof Optional && (value.value === undefined || isOfType(value.value, type.of));
    case "type":
      return value instanceof TypeValue;
    case "opaque":
      return value instanceof OpaqueValue && value.typeName === typeText(type);
  }
}
