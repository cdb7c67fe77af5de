import type { Call, Expr, Fold, Issue, Literal } from "./syntax.ts";

type MacroCall = Pick<Call, "name" | "at" | "target" | "args">;

/** The variable in which a fold collects; no expression can name it by accident. */
export const accumulator = "__result__";

/** What a call that is a macro stands for, or what is wrong with it; undefined: it is none. */
export function expandMacro(call: MacroCall): Expr | Issue | undefined {
  const { name, target, args } = call;
  if (!target) return name === "has" && args.length === 1 ? expandHas(args[0], call.at) : undefined;
  return macros[`${name}/${args.length}`]?.(call, target);
}

type Macro = (call: MacroCall, target: Expr) => Expr | Issue;

const macros: Readonly<Record<string, Macro>> = {
  "all/2": one((call, parts) => fold(call, { ...parts, ...every(parts.last) })),
  "exists/2": one((call, parts) => fold(call, { ...parts, ...some(parts.last) })),
  "exists_one/2": one((call, parts) => fold(call, { ...parts, ...exactlyOne(parts.last) })),
  "existsOne/2": one((call, parts) => fold(call, { ...parts, ...exactlyOne(parts.last) })),
  "map/2": one((call, parts) => fold(call, { ...parts, ...collected(parts.last) })),
  "map/3": one((call, parts) => fold(call, { ...parts, ...collected(parts.last, call.args[1]) })),
  "filter/2": one((call, parts) =>
    fold(call, { ...parts, ...collected({ sort: "ident", at: call.at, name: parts.variable }, parts.last) }),
  ),
  "all/3": two((call, parts) => fold(call, { ...parts, ...every(parts.last) })),
  "exists/3": two((call, parts) => fold(call, { ...parts, ...some(parts.last) })),
  "exists_one/3": two((call, parts) => fold(call, { ...parts, ...exactlyOne(parts.last) })),
  "existsOne/3": two((call, parts) => fold(call, { ...parts, ...exactlyOne(parts.last) })),
  "transformList/3": two((call, parts) => fold(call, { ...parts, ...collected(parts.last) })),
  "transformList/4": two((call, parts) => fold(call, { ...parts, ...collected(parts.last, call.args[2]) })),
  "transformMap/3": two((call, parts) => fold(call, { ...parts, ...inserted(parts) })),
  "transformMap/4": two((call, parts) => fold(call, { ...parts, ...inserted(parts, call.args[2]) })),
  "transformMapEntry/3": two((call, parts) => fold(call, { ...parts, ...merged(parts.last) })),
  "transformMapEntry/4": two((call, parts) => fold(call, { ...parts, ...merged(parts.last, call.args[2]) })),
  "optMap/2": optional((value) => plainCall("optional.of", value.at, [value])),
  "optFlatMap/2": optional((value) => value),
};

interface Parts {
  readonly variable: string;
  readonly second: string | undefined;
  readonly last: Expr;
}

function one(make: (call: MacroCall, parts: Parts) => Expr): Macro {
  return (call) => {
    const [variable, ...rest] = call.args;
    const last = rest.at(-1);
    if (variable?.sort !== "ident" || !last) return notAName(variable, call);
    return make(call, { variable: variable.name, second: undefined, last });
  };
}

function two(make: (call: MacroCall, parts: Parts) => Expr): Macro {
  return (call) => {
    const [first, second, ...rest] = call.args;
    const last = rest.at(-1);
    if (first?.sort !== "ident") return notAName(first, call);
    if (second?.sort !== "ident" || !last) return notAName(second, call);
    if (first.name === second.name) return { at: second.at, message: `duplicate variable name: ${second.name}` };
    return make(call, { variable: first.name, second: second.name, last });
  };
}

function notAName(argument: Expr | undefined, { at }: MacroCall): Issue {
  return { at: argument?.at ?? at, message: "argument must be a simple name" };
}

function expandHas(argument: Expr | undefined, at: number): Expr | Issue {
  if (argument?.sort !== "select") return { at: argument?.at ?? at, message: "invalid argument to has() macro" };
  return { ...argument, at: at, isTest: true };
}

type Loop = Pick<Fold, "initial" | "condition" | "step" | "result">;

function fold({ at, target }: MacroCall, { variable, second, ...loop }: Parts & Loop): Fold {
  const { initial, condition, step, result } = loop;
  const range = target ?? literal(null, at);
  return { sort: "fold", at, range, variable, second, accumulator, initial, condition, step, result };
}

function every(predicate: Expr): Loop {
  const { at } = predicate;
  return {
    initial: literal(true, at),
    condition: plainCall("@not_strictly_false", at, [soFar(at)]),
    step: plainCall("_&&_", at, [soFar(at), predicate]),
    result: soFar(at),
  };
}

function some(predicate: Expr): Loop {
  const { at } = predicate;
  return {
    initial: literal(false, at),
    condition: plainCall("@not_strictly_false", at, [plainCall("!_", at, [soFar(at)])]),
    step: plainCall("_||_", at, [soFar(at), predicate]),
    result: soFar(at),
  };
}

function exactlyOne(predicate: Expr): Loop {
  const { at } = predicate;
  return {
    initial: literal(0n, at),
    condition: literal(true, at),
    step: plainCall("_?_:_", at, [predicate, plainCall("_+_", at, [soFar(at), literal(1n, at)]), soFar(at)]),
    result: plainCall("_==_", at, [soFar(at), literal(1n, at)]),
  };
}

function collected(value: Expr, filter?: Expr): Loop {
  const { at } = value;
  const item: Expr = { sort: "list", at, items: [{ value, isOptional: false }] };
  return looped({ sort: "list", at, items: [] }, plainCall("_+_", at, [soFar(at), item]), filter);
}

function inserted({ variable, last }: Parts, filter?: Expr): Loop {
  const { at } = last;
  const key: Expr = { sort: "ident", at, name: variable };
  return looped({ sort: "map", at, entries: [] }, plainCall("cel.@mapInsert", at, [soFar(at), key, last]), filter);
}

function merged(entry: Expr, filter?: Expr): Loop {
  const { at } = entry;
  return looped({ sort: "map", at, entries: [] }, plainCall("cel.@mapInsert", at, [soFar(at), entry]), filter);
}

function looped(initial: Expr, step: Expr, filter: Expr | undefined): Loop {
  const { at } = step;
  return {
    initial,
    condition: literal(true, at),
    step: filter ? plainCall("_?_:_", at, [filter, step, soFar(at)]) : step,
    result: soFar(at),
  };
}

/** `target.optMap(v, f(v))`: a value only where the target has one. */
function optional(wrap: (value: Expr) => Expr): Macro {
  return (call, target) => {
    const [variable, transform] = call.args;
    const { at } = call;
    if (variable?.sort !== "ident" || !transform)
      return { at: variable?.at ?? at, message: "argument must be a simple name" };
    const bound: Fold = {
      sort: "fold",
      at,
      range: { sort: "list", at, items: [] },
      variable: "#unused",
      second: undefined,
      accumulator: variable.name,
      initial: { sort: "call", name: "value", at, target, args: [] },
      condition: literal(false, at),
      step: { sort: "ident", at, name: variable.name },
      result: transform,
    };
    const has: Expr = { sort: "call", name: "hasValue", at, target, args: [] };
    return plainCall("_?_:_", at, [has, wrap(bound), plainCall("optional.none", at, [])]);
  };
}

function soFar(at: number): Expr {
  return { sort: "ident", at, name: accumulator };
}

function literal(value: Literal["value"], at: number): Literal {
  return { sort: "literal", at, value };
}

function plainCall(name: string, at: number, args: readonly Expr[]): Expr {
  return { sort: "call", name, at, target: undefined, args };
}
