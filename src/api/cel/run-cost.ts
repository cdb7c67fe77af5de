import { ListValue, MapValue, sizeOf, type Value } from "./values.ts";

/** What cost rules charge for going over one character, and for one character of a pattern. */
export const perCharacter = 0.1;
export const perPatternCharacter = 0.25;

/** An evaluation was stopped since it took too long. */
export class CostExceeded extends Error {
  override readonly name = "CostExceeded";
}

/** Counts what an evaluation costs, in CEL's units, and stops it at a limit. */
export class CostMeter {
  readonly #limit: number;
  spent = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }
  /** @throws {CostExceeded} */
  charge(cost: number): void {
    this.spent += cost;
    if (this.spent > this.#limit) throw new CostExceeded("operation cancelled: actual cost limit exceeded");
  }
}

type CallCost = (args: readonly Value[], result: Value) => number;

const size = (args: readonly Value[], i: number): number => sizeOf(args[i] ?? null);
const traversal: CallCost = (args) => Math.ceil(size(args, 0) * perCharacter);
const twoTraversals: CallCost = (args) => Math.ceil(size(args, 0) * 2 * perCharacter);
const smaller: CallCost = (args) => Math.ceil(Math.min(size(args, 0), size(args, 1)) * perCharacter);
const both: CallCost = (args) => Math.ceil((size(args, 0) + size(args, 1)) * perCharacter);
const searched: CallCost = (args) => Math.ceil(size(args, 0) * perCharacter) * Math.ceil(size(args, 1) * perCharacter);
const matching: CallCost = (args) =>
  Math.ceil((1 + size(args, 0)) * perCharacter) * Math.ceil(size(args, 1) * perPatternCharacter);
const everyPart: CallCost = ([first]) => (first === undefined ? 0 : traversalCost(first));

/** What calls cost, by the function's name; one unit unless said. The same rules estimate before (estimate.ts). */
const byName: Readonly<Record<string, CallCost>> = {
  check: () => 350_000,
  isSorted: everyPart,
  sum: everyPart,
  max: everyPart,
  min: everyPart,
  indexOf: everyPart,
  lastIndexOf: everyPart,
  url: traversal,
  lowerAscii: traversal,
  upperAscii: traversal,
  substring: traversal,
  trim: traversal,
  replace: twoTraversals,
  split: twoTraversals,
  join: (_, result) => Math.ceil(sizeOf(result) * 2 * perCharacter),
  find: matching,
  findAll: matching,
  cidr: traversal,
  isIP: traversal,
  isCIDR: traversal,
  ip: traversal,
  "ip.isCanonical": twoTraversals,
  containsIP: (args) => Math.ceil(2 * size(args, 0) * perCharacter) + textArgument(args),
  containsCIDR: (args) =>
    Math.ceil(2 * size(args, 0) * perCharacter) + Math.ceil(size(args, 0) * perCharacter) + 1 + textArgument(args),
  quantity: traversal,
  isQuantity: traversal,
  startsWith: traversal,
  endsWith: traversal,
  matches: matching,
  contains: searched,
  "@in": ([, container]) => (container instanceof ListValue ? container.items.length : 1),
  "_==_": smaller,
  "_!=_": smaller,
  "_<_": smaller,
  "_<=_": smaller,
  "_>_": smaller,
  "_>=_": smaller,
  "_+_": (args) => (args[0] instanceof ListValue ? 1 : both(args, null)),
};

export function callCost(name: string, args: readonly Value[], result: Value): number {
  return byName[name]?.(args, result) ?? 1;
}

function textArgument([, other]: readonly Value[]): number {
  return typeof other === "string" ? Math.ceil(sizeOf(other) * perCharacter) : 0;
}

function traversalCost(value: Value): number {
  if (typeof value === "string" || value instanceof Uint8Array) return Math.floor(sizeOf(value) * perCharacter);
  if (value instanceof ListValue) return value.items.reduce<number>((sum, item) => sum + traversalCost(item), 0);
  if (value instanceof MapValue)
    return value
      .keys()
      .reduce<number>((sum, key) => sum + traversalCost(key) + traversalCost(value.get(key) ?? null), 0);
  return 1;
}
