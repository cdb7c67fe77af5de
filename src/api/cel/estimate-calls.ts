import type { Estimated } from "./estimate.ts";
import { Range, range, unknownSize } from "./estimate-range.ts";
import { perCharacter, perPatternCharacter } from "./run-cost.ts";

/** A call with what is known of its parts. */
export interface EstimatedCall {
  readonly name: string;
  /** The form's id. */
  readonly id: string;
  readonly target: Estimated | undefined;
  readonly args: readonly Estimated[];
}

interface Outcome {
  readonly cost: Range;
  /** The size of the result, where that follows from the arguments. */
  readonly size?: Range | undefined;
}

/** What a call may cost, its arguments included and its target not. */
export function estimatedCall(call: EstimatedCall): Outcome {
  const { cost, size } = ownCost(call);
  const isLogical = call.name === "_&&_" || call.name === "_||_" || call.name === "_?_:_";
  return { cost: isLogical ? cost : call.args.reduce((sum, arg) => sum.plus(arg.cost), cost), size };
}

type Rule = (call: EstimatedCall) => Outcome;

function ownCost(call: EstimatedCall): Outcome {
  return rules[call.name]?.(call) ?? { cost: range(1) };
}

function sizeOf(part: Estimated | undefined): Range {
  return part?.size ?? unknownSize;
}

const nominal: Rule = () => ({ cost: range(1) });

/** Goes once over the text that the function is called on, which is as long afterwards. */
const overTarget: Rule = ({ target }) => {
  const size = sizeOf(target);
  return { cost: size.by(perCharacter), size };
};
const overArgument: Rule = ({ args, target }) =>
  // Only functions that are called on something are charged by size: so Kubernetes counts.
  target ? { cost: sizeOf(args[0]).by(perCharacter) } : { cost: range(1) };

const overItems: Rule = ({ target }) => {
  if (!target) return { cost: range(1) };
  const { type, declaration } = target;
  if (type.sort !== "list") return { cost: sizeOf(target).by(perCharacter) };
  const isText = type.item.sort === "string" || type.item.sort === "bytes";
  const itemSize = declaration?.item ? range(0, declaration.item.maxElements) : unknownSize;
  const each = isText ? range(1).plus(itemSize.by(perCharacter)) : range(1);
  return { cost: sizeOf(target).times(each) };
};

const pattern: Rule = ({ target, args }) => {
  if (!target) return { cost: range(1) };
  const text = sizeOf(target).plus(range(1)).by(perCharacter);
  return { cost: text.times(sizeOf(args[0]).by(perPatternCharacter)) };
};

/** The shorter of two texts decides; scalars are worth one. */
const compared: Rule = ({ args, id }) => {
  if (/_(int64|uint64|double|bool|timestamp|duration)/.test(id)) return { cost: range(1) };
  const most = Math.min(sizeOf(args[0]).max, sizeOf(args[1]).max);
  return { cost: range(most > 0 ? 1 : 0, most).by(perCharacter) };
};

const replaced: Rule = ({ target, args }) => {
  const text = sizeOf(target);
  const from = sizeOf(args[0]);
  const to = sizeOf(args[1]);
  const most = longest(text.max, from.min, to.max);
  const least = shortest(text.min, from.max, to.min);
  return { cost: text.by(2 * perCharacter), size: range(least, most) };
};

function longest(text: number, from: number, to: number): number {
  if (from === 0) return (text + 1) * to + text;
  return to <= from ? text : Math.ceil(text / from) * to;
}
function shortest(text: number, from: number, to: number): number {
  if (from === 0) return (text + 1) * to + text;
  return from <= to ? text : Math.ceil(text / from) * to;
}

const contained = range(4, 16).plus(range(4, 16)).by(perCharacter);

const rules: Readonly<Record<string, Rule>> = {
  check: () => ({ cost: range(350_000) }),
  isSorted: overItems,
  sum: overItems,
  max: overItems,
  min: overItems,
  indexOf: overItems,
  lastIndexOf: overItems,
  url: ({ args }) => ({ cost: sizeOf(args[0]).by(perCharacter) }),
  lowerAscii: overTarget,
  upperAscii: overTarget,
  substring: overTarget,
  trim: overTarget,
  replace: replaced,
  split: ({ target }) => {
    const text = sizeOf(target);
    return { cost: text.by(2 * perCharacter), size: range(0, text.max) };
  },
  join: ({ target, args }) => {
    const count = sizeOf(target);
    const item = target?.declaration?.item;
    const items = count.times(item ? range(0, item.maxElements) : unknownSize);
    const between = new Range(Math.max(count.min - 1, 0), Math.max(count.max - 1, 0));
    const size = args.length > 0 ? items.plus(sizeOf(args[0]).times(between)) : items;
    return { cost: size.by(perCharacter), size };
  },
  find: (call) => ({ ...pattern(call), size: range(0, sizeOf(call.target).max) }),
  findAll: (call) => ({ ...pattern(call), size: range(0, sizeOf(call.target).max) }),
  cidr: overArgument,
  isIP: overArgument,
  isCIDR: overArgument,
  ip: overArgument,
  quantity: overArgument,
  isQuantity: overArgument,
  containsIP: ({ args, id }) => ({
    cost: id === "cidr_contains_ip_string" ? contained.plus(sizeOf(args[0]).by(perCharacter)) : contained,
  }),
  containsCIDR: ({ args, id }) => {
    const cost = contained.plus(range(4, 16).by(perCharacter)).plus(range(1));
    return { cost: id === "cidr_contains_cidr_string" ? cost.plus(sizeOf(args[0]).by(perCharacter)) : cost };
  },
  format: ({ target }) => ({ cost: sizeOf(target).by(perCharacter) }),
  bytes: ({ args, id }) => {
    if (id !== "string_to_bytes") return { cost: range(1) };
    const size = sizeOf(args[0]);
    return { cost: size.by(perCharacter), size: range(size.min, size.max * 4) };
  },
  string: ({ args, id }) => {
    if (id !== "bytes_to_string") return { cost: range(1) };
    const size = sizeOf(args[0]);
    return { cost: size.by(perCharacter), size: range(Math.floor(size.min / 4), size.max) };
  },
  startsWith: ({ args }) => ({ cost: sizeOf(args[0]).by(perCharacter) }),
  endsWith: ({ args }) => ({ cost: sizeOf(args[0]).by(perCharacter) }),
  matches: pattern,
  contains: ({ target, args }) => ({ cost: sizeOf(target).by(perCharacter).times(sizeOf(args[0]).by(perCharacter)) }),
  "@in": ({ args, id }) => ({ cost: id === "in_list" ? sizeOf(args[1]) : range(1) }),
  "_&&_": logical,
  "_||_": logical,
  "_?_:_": ({ args: [condition, yes, no] }) => {
    const branches = (yes?.cost ?? range(0)).union(no?.cost ?? range(0));
    return { cost: (condition?.cost ?? range(0)).plus(branches), size: sizeOf(yes).union(sizeOf(no)) };
  },
  "_==_": compared,
  "_!=_": compared,
  "_<_": compared,
  "_<=_": compared,
  "_>_": compared,
  "_>=_": compared,
  "_+_": ({ args, id }) => {
    if (!["add_string", "add_bytes", "add_list"].includes(id))
      return nominal({ name: "_+_", id, args, target: undefined });
    const size = sizeOf(args[0]).plus(sizeOf(args[1]));
    return { cost: id === "add_list" ? range(1) : size.by(perCharacter), size };
  },
};

/** The first side may be enough. */
function logical({ args: [left, right] }: EstimatedCall): Outcome {
  const [a, b] = [left?.cost ?? range(0), right?.cost ?? range(0)];
  return { cost: range(a.min, a.max + b.max) };
}
