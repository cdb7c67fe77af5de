import { regexFrom } from "../../regex.ts";
import {
  CelError,
  Duration,
  EntryMap,
  ListValue,
  MapValue,
  noOverload,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
} from "../values.ts";
import { doubleText } from "./conversions.ts";
import { type Overload, overload } from "./overload.ts";
import { durationText, timestampText } from "./times.ts";

function matched(text: string, pattern: string): boolean {
  return compiled(pattern).test(text);
}

function compiled(pattern: string): RegExp {
  const regex = regexFrom(pattern);
  if (!regex) throw new CelError(`error parsing regexp: invalid pattern: \`${pattern}\``);
  return regex;
}

/** Positions count characters, not the halves that JavaScript makes of some. */
function positionOf(text: string, part: string, from: bigint): bigint {
  const characters = [...text];
  if (from < 0n || from > characters.length) throw outOfRange(from);
  if (part === "") return from;
  const head = characters.slice(0, Number(from)).join("").length;
  const at = text.indexOf(part, head);
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function lastPositionOf(text: string, part: string, upTo?: bigint): bigint {
  const characters = [...text];
  if (upTo !== undefined && (upTo < 0n || upTo > characters.length)) throw outOfRange(upTo);
  if (part === "") return upTo ?? BigInt(characters.length);
  const limit = upTo === undefined ? text.length : characters.slice(0, Number(upTo)).join("").length;
  const at = text.lastIndexOf(part, limit);
  return at < 0 ? -1n : BigInt([...text.slice(0, at)].length);
}

function outOfRange(index: bigint): CelError {
  return new CelError(`index out of range: ${index}`);
}

function characterAt(text: string, index: bigint): string {
  const characters = [...text];
  if (index < 0n || index > characters.length) throw outOfRange(index);
  return characters[Number(index)] ?? "";
}

function substring(text: string, start: bigint, end?: bigint): string {
  const characters = [...text];
  const last = end ?? BigInt(characters.length);
  if (end !== undefined && start > end) throw new CelError(`invalid substring range. start: ${start}, end: ${end}`);
  if (start < 0n || start > characters.length) throw outOfRange(start);
  if (last < 0n || last > characters.length) throw outOfRange(last);
  return characters.slice(Number(start), Number(last)).join("");
}

function replaced(text: string, from: string, to: string, count: bigint): string {
  if (count < 0n) return text.replaceAll(from, () => to);
  let made = "";
  let rest = text;
  for (let left = count; left > 0n; left--) {
    const at = rest.indexOf(from);
    if (at < 0) break;
    // What is empty stands before each character.
    const next = from === "" ? ([...rest][0] ?? "") : "";
    made += rest.slice(0, at) + to + next;
    rest = rest.slice(at + from.length + next.length);
    if (from === "" && next === "") break;
  }
  return made + rest;
}

function splitText(text: string, separator: string, limit: bigint): ListValue {
  if (limit === 0n) return new ListValue([]);
  const parts = separator === "" ? [...text] : text.split(separator);
  if (limit < 0n || parts.length <= limit) return new ListValue(parts);
  const kept = parts.slice(0, Number(limit) - 1);
  return new ListValue([...kept, parts.slice(Number(limit) - 1).join(separator)]);
}

function joinedText(list: ListValue, separator: string): string {
  return list.items.map((item) => (typeof item === "string" ? item : fail(noOverload()))).join(separator);
}

function fail(error: CelError): never {
  throw error;
}

/** `"%s of %d".format([…])`: the clauses of CEL's own strings library. */
function formatted(pattern: string, values: ListValue): string {
  let next = 0;
  return pattern.replace(/%(%|(?:\.(\d+))?([a-zA-Z]))/g, (_, whole: string, precision?: string, clause?: string) => {
    if (whole === "%") return "%";
    const value = values.items[next++];
    if (value === undefined) throw new CelError(`index ${next - 1} out of range`);
    return formatClause(clause ?? "", value, precision === undefined ? 6 : Number(precision));
  });
}

function formatClause(clause: string, value: Value, precision: number): string {
  const wrong = (): never =>
    fail(new CelError(`error during formatting: could not convert argument ${shownText(value)} for %${clause}`));
  const number = value instanceof Uint ? value.value : value;
  switch (clause) {
    case "s":
      return shownText(value);
    case "d":
      return typeof number === "bigint" ? String(number) : wrong();
    case "f":
      return typeof number === "bigint" || typeof number === "number" ? Number(number).toFixed(precision) : wrong();
    case "e":
      return typeof number === "number" ? number.toExponential(precision).replace(/e([+-])(\d)$/, "e$10$2") : wrong();
    case "b":
      if (typeof number === "boolean") return number ? "1" : "0";
      return typeof number === "bigint" ? number.toString(2) : wrong();
    case "o":
      return typeof number === "bigint" ? number.toString(8) : wrong();
    case "x":
    case "X": {
      const hex = hexText(number);
      if (hex === undefined) return wrong();
      return clause === "X" ? hex.toUpperCase() : hex;
    }
    default:
      throw new CelError(`could not parse formatting clause: unrecognized formatting clause "${clause}"`);
  }
}

function hexText(value: Value): string | undefined {
  if (typeof value === "bigint") return value.toString(16);
  if (typeof value === "string") return Buffer.from(value).toString("hex");
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : undefined;
}

function shownText(value: Value): string {
  if (typeof value === "number") return doubleText(value);
  if (value === null || typeof value !== "object") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof TypeValue) return value.typeName;
  if (value instanceof ListValue) return `[${value.items.map(shownText).join(", ")}]`;
  if (value instanceof MapValue) {
    const entries = value.keys().map((key) => `${shownText(key)}: ${shownText(value.get(key) ?? null)}`);
    return `{${entries.sort().join(", ")}}`;
  }
  throw new CelError(`error during formatting: no such overload`);
}

export const strings: Overload[] = [
  overload("contains_string", "(string).contains(string): bool", (a: string, b: string) => a.includes(b)),
  overload("ends_with_string", "(string).endsWith(string): bool", (a: string, b: string) => a.endsWith(b)),
  overload("starts_with_string", "(string).startsWith(string): bool", (a: string, b: string) => a.startsWith(b)),
  overload("matches_string", "(string).matches(string): bool", matched),
  overload("matches", "matches(string, string): bool", matched),

  overload("string_char_at_int", "(string).charAt(int): string", characterAt),
  overload("string_index_of_string", "(string).indexOf(string): int", (a: string, b: string) => positionOf(a, b, 0n)),
  overload("string_index_of_string_int", "(string).indexOf(string, int): int", positionOf),
  overload("string_last_index_of_string", "(string).lastIndexOf(string): int", (a: string, b: string) =>
    lastPositionOf(a, b),
  ),
  overload("string_last_index_of_string_int", "(string).lastIndexOf(string, int): int", lastPositionOf),
  overload("string_lower_ascii", "(string).lowerAscii(): string", (a: string) =>
    a.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  ),
  overload("string_upper_ascii", "(string).upperAscii(): string", (a: string) =>
    a.replace(/[a-z]/g, (letter) => letter.toUpperCase()),
  ),
  overload(
    "string_replace_string_string",
    "(string).replace(string, string): string",
    (a: string, b: string, c: string) => replaced(a, b, c, -1n),
  ),
  overload("string_replace_string_string_int", "(string).replace(string, string, int): string", replaced),
  overload("string_split_string", "(string).split(string): list(string)", (a: string, b: string) =>
    splitText(a, b, -1n),
  ),
  overload("string_split_string_int", "(string).split(string, int): list(string)", splitText),
  overload("string_substring_int", "(string).substring(int): string", (a: string, from: bigint) => substring(a, from)),
  overload("string_substring_int_int", "(string).substring(int, int): string", substring),
  overload("string_trim", "(string).trim(): string", (a: string) => a.trim()),
  overload("list_join", "(list(string)).join(): string", (list: ListValue) => joinedText(list, "")),
  overload("list_join_string", "(list(string)).join(string): string", joinedText),
  overload("string_format", "(string).format(list(dyn)): string", formatted),
  overload("strings_quote", "strings.quote(string): string", (a: string) => JSON.stringify(a)),

  overload(
    "string_find_string",
    "(string).find(string): string",
    (a: string, b: string) => compiled(b).exec(a)?.[0] ?? "",
  ),
  overload("string_find_all_string", "(string).findAll(string): list(string)", (a: string, b: string) =>
    found(a, b, -1n),
  ),
  overload("string_find_all_string_int", "(string).findAll(string, int): list(string)", found),
];

function found(text: string, pattern: string, limit: bigint): ListValue {
  const regex = compiled(pattern);
  const all = [...text.matchAll(new RegExp(regex.source, `${regex.flags}g`))].map(([whole]) => whole);
  return new ListValue(limit < 0n ? all : all.slice(0, Number(limit)));
}

export const maps: Overload[] = [
  overload(
    "@mapInsert_map_key_value",
    "cel.@mapInsert(map(K, V), K, V): map(K, V)",
    (map: MapValue, key: Value, value: Value) => withEntries(map, [[key, value]]),
  ),
  overload("@mapInsert_map_map", "cel.@mapInsert(map(K, V), map(K, V)): map(K, V)", (map: MapValue, more: MapValue) =>
    withEntries(map, entriesOf(more)),
  ),
];

function entriesOf(map: MapValue): [Value, Value][] {
  return map.keys().map((key) => [key, map.get(key) ?? null]);
}

function withEntries(map: MapValue, more: [Value, Value][]): EntryMap {
  return new EntryMap([...entriesOf(map), ...more]);
}
