import { regexFrom } from "../regex.ts";
import { functions } from "./functions/all.ts";
import type { Overload } from "./functions/overload.ts";
import { durationFromText, timestampFrom } from "./functions/times.ts";
import { Locals } from "./locals.ts";
import type { Call, Expr, Fold, Issue, ListLiteral, MapLiteral, Select, StructLiteral } from "./syntax.ts";
import {
  Bindings,
  bool,
  dyn,
  int,
  listOf,
  mapOf,
  moreGeneral,
  optionalOf,
  simpleType,
  type Type,
  text,
  typeFrom,
  typeText,
  unknownType,
} from "./types.ts";
import { CelError } from "./values.ts";

/** What an expression may speak of. */
export interface Declarations {
  readonly variables: ReadonlyMap<string, Type>;
  /** Functions beside those that every expression has. */
  readonly functions?: ReadonlyMap<string, readonly Overload[]> | undefined;
  /** The types that `Name{…}` makes. */
  readonly structs?: ((name: string) => Type | undefined) | undefined;
}

/** What checking found out about an expression and its parts. */
export interface Checked {
  readonly expression: Expr;
  readonly type: Type;
  readonly types: ReadonlyMap<Expr, Type>;
  /** The forms that a call may mean; several where a type is known only when it is evaluated. */
  readonly calls: ReadonlyMap<Expr, ResolvedCall>;
  /** The variables and names of types that identifiers, and selections that are one name, stand for. */
  readonly names: ReadonlyMap<Expr, string>;
}

export interface ResolvedCall {
  readonly overloads: readonly Overload[];
  /** Whether what stands before the function's name belongs to it (`ip.isCanonical`). */
  readonly isQualified: boolean;
}

/** Names of types, which are values too. */
export const typeNames: ReadonlyMap<string, Type> = new Map(
  [
    ["bool", "bool"],
    ["int", "int"],
    ["uint", "uint"],
    ["double", "double"],
    ["string", "string"],
    ["bytes", "bytes"],
    ["list", "list(dyn)"],
    ["map", "map(dyn, dyn)"],
    ["null_type", "null"],
    ["type", "type"],
    ["dyn", "dyn"],
    ["optional_type", "optional(dyn)"],
    ["google.protobuf.Timestamp", "timestamp"],
    ["google.protobuf.Duration", "duration"],
    ["net.IP", "net.IP"],
    ["net.CIDR", "net.CIDR"],
    ["kubernetes.URL", "kubernetes.URL"],
    ["kubernetes.Quantity", "kubernetes.Quantity"],
    ["kubernetes.Semver", "kubernetes.Semver"],
  ].map(([name = "", written = ""]) => [name, { sort: "type", of: typeFrom(written) } as const]),
);

/** Finds out the types of an expression and its parts, or what does not fit. */
export function checkExpression(expression: Expr, declarations: Declarations): Checked | readonly Issue[] {
  const checker = new Checker(declarations);
  const checked = checker.whole(expression);
  return checker.issues.length > 0 ? checker.issues : checked;
}

class Checker {
  readonly issues: Issue[] = [];
  readonly #declarations: Declarations;
  readonly #bindings = new Bindings();
  readonly #types = new Map<Expr, Type>();
  readonly #calls = new Map<Expr, ResolvedCall>();
  readonly #names = new Map<Expr, string>();
  readonly #locals = new Locals<Type>();

  constructor(declarations: Declarations) {
    this.#declarations = declarations;
  }

  whole(expression: Expr): Checked {
    const type = this.#bindings.resolved(this.#check(expression), dyn);
    const types = new Map([...this.#types].map(([part, of]) => [part, this.#bindings.resolved(of, dyn)]));
    return { expression, type, types, calls: this.#calls, names: this.#names };
  }

  #complain({ at }: { readonly at: number }, message: string): Type {
    this.issues.push({ at, message });
    return unknownType;
  }
  #check(expression: Expr): Type {
    const type = this.#typeOf(expression);
    this.#types.set(expression, type);
    return type;
  }
  #typeOf(expression: Expr): Type {
    switch (expression.sort) {
      case "literal":
        return literalType(expression.value);
      case "ident":
        return this.#name(expression, expression.name) ?? this.#undeclared(expression, expression.name);
      case "select":
        return this.#select(expression);
      case "call":
        return this.#call(expression);
      case "list":
        return this.#list(expression);
      case "map":
        return this.#map(expression);
      case "struct":
        return this.#struct(expression);
      case "fold":
        return this.#fold(expression);
    }
  }
  #undeclared(where: Expr, name: string): Type {
    return this.#complain(where, `undeclared reference to '${name}' (in container '')`);
  }
  #name(expression: Expr, name: string): Type | undefined {
    const type = this.#locals.find(name) ?? this.#declarations.variables.get(name) ?? typeNames.get(name);
    if (type) this.#names.set(expression, name);
    return type;
  }

  #select(expression: Select): Type {
    const qualified = expression.isTest ? undefined : qualifiedName(expression);
    const found = qualified === undefined ? undefined : this.#name(expression, qualified);
    if (found) return found;
    const type = this.#field(expression, expression.operand, expression.field);
    return expression.isTest ? bool : type;
  }
  #field(where: Expr, operand: Expr, field: string): Type {
    const type = this.#bindings.resolved(this.#check(operand));
    const inside = type.sort === "optional" ? type.of : type;
    const found = this.#fieldOf(where, this.#bindings.resolved(inside), field);
    return type.sort === "optional" ? optionalOf(found) : found;
  }
  #fieldOf(where: Expr, type: Type, field: string): Type {
    switch (type.sort) {
      case "map":
        return type.value;
      case "object":
        return type.fields.get(field) ?? this.#complain(where, `undefined field '${field}'`);
      case "param":
        this.#bindings.assignable(dyn, type);
        return dyn;
      case "dyn":
      case "error":
        return dyn;
      default:
        this.#complain(where, `type '${typeText(type)}' does not support field selection`);
        return dyn;
    }
  }

  #call(call: Call): Type {
    const { name, args, target } = call;
    if (name === "_?._") {
      const [operand, field] = args;
      if (!operand || field?.sort !== "literal" || typeof field.value !== "string") return unknownType;
      const type = this.#field(call, operand, field.value);
      return type.sort === "optional" ? type : optionalOf(type);
    }
    const argTypes = args.map((arg) => this.#check(arg));
    if (!target) {
      const known = this.#functionsNamed(name);
      return known ? this.#resolve(call, known, argTypes, false) : this.#undeclared(call, name);
    }
    const before = qualifiedName(target);
    const qualified = before === undefined ? undefined : this.#functionsNamed(`${before}.${name}`);
    if (qualified) return this.#resolve(call, qualified, argTypes, true);
    const targetType = this.#check(target);
    const known = this.#functionsNamed(name);
    return known ? this.#resolve(call, known, [targetType, ...argTypes], false) : this.#undeclared(call, name);
  }
  #functionsNamed(name: string): readonly Overload[] | undefined {
    return this.#declarations.functions?.get(name) ?? functions.get(name);
  }
  #resolve(call: Call, overloads: readonly Overload[], argTypes: readonly Type[], isQualified: boolean): Type {
    if (call.name === "_&&_" || call.name === "_||_") return this.#logical(call, overloads, argTypes);
    const isMember = call.target !== undefined && !isQualified;
    const fitting: Overload[] = [];
    let result: Type | undefined;
    for (const candidate of overloads) {
      if (candidate.isMember !== isMember) continue;
      const [own = dyn, ...wanted] = this.#bindings.instance([candidate.result, ...candidate.args]);
      if (!this.#bindings.allAssignable(argTypes, wanted)) continue;
      fitting.push(candidate);
      const type = this.#bindings.resolved(own);
      result = result === undefined || typeText(result) === typeText(type) ? type : dyn;
    }
    if (result) {
      this.#calls.set(call, { overloads: fitting, isQualified });
      this.#checkLiterals(call);
      return result;
    }
    const shown = argTypes.map((type) => typeText(this.#bindings.resolved(type, dyn)));
    const applied = isMember ? `${shown[0]}.(${shown.slice(1).join(", ")})` : `(${shown.join(", ")})`;
    return this.#complain(
      call,
      `found no matching overload for '${calledName(call, isQualified)}' applied to '${applied}'`,
    );
  }
  #logical(call: Call, overloads: readonly Overload[], argTypes: readonly Type[]): Type {
    for (const [i, type] of argTypes.entries())
      if (!this.#bindings.assignable(type, bool)) {
        const found = typeText(this.#bindings.resolved(type));
        this.#complain(call.args[i] ?? call, `expected type 'bool' but found '${found}'`);
      }
    this.#calls.set(call, { overloads, isQualified: false });
    return bool;
  }
  /** What is written as a literal is known to be wrong before it is evaluated. */
  #checkLiterals({ name, args }: Call): void {
    const argument = name === "matches" ? args.at(-1) : args.length === 1 ? args[0] : undefined;
    if (argument?.sort !== "literal" || typeof argument.value !== "string") return;
    const check = literalChecks[name];
    if (check && !check(argument.value)) this.#complain(argument, `invalid ${name} argument`);
  }

  #list({ items }: ListLiteral): Type {
    let joined: Type | undefined;
    for (const { value, isOptional } of items) joined = this.#join(value, joined, this.#item(value, isOptional));
    return listOf(joined ?? this.#bindings.newParam());
  }
  #map({ entries }: MapLiteral): Type {
    let keys: Type | undefined;
    let values: Type | undefined;
    for (const { key, value, isOptional } of entries) {
      keys = this.#join(key, keys, this.#check(key));
      values = this.#join(value, values, this.#item(value, isOptional));
    }
    return mapOf(keys ?? this.#bindings.newParam(), values ?? this.#bindings.newParam());
  }
  #item(value: Expr, isOptional: boolean): Type {
    const type = this.#check(value);
    if (!isOptional) return type;
    const known = this.#bindings.resolved(type);
    if (known.sort === "optional") return known.of;
    if (known.sort !== "dyn")
      this.#complain(value, `expected type '${typeText(optionalOf(known))}' but found '${typeText(known)}'`);
    return known;
  }
  #join(where: Expr, before: Type | undefined, next: Type): Type {
    if (!before) return next;
    if (this.#bindings.assignable(before, next)) return moreGeneral(before, next);
    const [wanted, found] = [before, next].map((type) => typeText(this.#bindings.resolved(type)));
    return this.#complain(where, `expected type '${wanted}' but found '${found}'`);
  }
  #struct(expression: StructLiteral): Type {
    const type = this.#declarations.structs?.(expression.type);
    if (type?.sort !== "object") {
      for (const { value } of expression.fields) this.#check(value);
      return this.#undeclared(expression, expression.type);
    }
    for (const field of expression.fields) {
      const found = this.#item(field.value, field.isOptional);
      const wanted = type.fields.get(field.name);
      if (!wanted) this.#complain(field, `undefined field '${field.name}'`);
      else if (!this.#bindings.assignable(wanted, found))
        this.#complain(
          field,
          `expected type of field '${field.name}' is '${typeText(wanted)}' but provided type is '${typeText(found)}'`,
        );
    }
    return type;
  }

  #fold(fold: Fold): Type {
    const range = this.#bindings.resolved(this.#check(fold.range));
    const initial = this.#check(fold.initial);
    const { first, second } = this.#rangeParts(fold, range);
    const variables =
      fold.second === undefined
        ? [{ name: fold.variable, value: range.sort === "list" ? second : first }]
        : [
            { name: fold.variable, value: first },
            { name: fold.second, value: second },
          ];
    return this.#locals.within([{ name: fold.accumulator, value: initial }], () => {
      this.#locals.within(variables, () => {
        this.#expect(fold.condition, bool);
        this.#expect(fold.step, initial);
      });
      return this.#bindings.resolved(this.#check(fold.result));
    });
  }
  #rangeParts({ range: where }: Fold, range: Type): { first: Type; second: Type } {
    switch (range.sort) {
      case "list":
        return { first: int, second: range.item };
      case "map":
        return { first: range.key, second: range.value };
      case "dyn":
      case "error":
      case "param":
        this.#bindings.assignable(dyn, range);
        return { first: dyn, second: dyn };
      default: {
        const message = `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`;
        return { first: this.#complain(where, message), second: unknownType };
      }
    }
  }
  #expect(expression: Expr, wanted: Type): void {
    const found = this.#check(expression);
    if (this.#bindings.assignable(wanted, found)) return;
    const [expected, is] = [wanted, found].map((type) => typeText(this.#bindings.resolved(type)));
    this.#complain(expression, `expected type '${expected}' but found '${is}'`);
  }
}

const literalChecks: Readonly<Record<string, (literal: string) => boolean>> = {
  matches: (literal) => regexFrom(literal) !== undefined,
  duration: (literal) => isRead(() => durationFromText(literal)),
  timestamp: (literal) => isRead(() => timestampFrom(literal)),
};

function isRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function literalType(value: unknown): Type {
  if (value === null) return simpleType("null");
  switch (typeof value) {
    case "boolean":
      return bool;
    case "bigint":
      return int;
    case "number":
      return simpleType("double");
    case "string":
      return text;
    default:
      return simpleType(value instanceof Uint8Array ? "bytes" : "uint");
  }
}

/** The name of a function as it is called: what stands before it may belong to it (`ip.isCanonical`). */
export function calledName({ name, target }: Call, isQualified: boolean): string {
  return isQualified && target ? `${qualifiedName(target)}.${name}` : name;
}

/** "a.b.c" of what is written so. */
function qualifiedName(expression: Expr): string | undefined {
  if (expression.sort === "ident") return expression.name;
  if (expression.sort !== "select" || expression.isTest) return undefined;
  const before = qualifiedName(expression.operand);
  return before === undefined ? undefined : `${before}.${expression.field}`;
}
