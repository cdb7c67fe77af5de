import { Path } from "../../field.ts";
import type { JSONSchemaProps } from "../../schema/types.ts";

/** What a path of fields and keys names in a schema, and where that is in an object; or why it names nothing. */
export type FoundField =
  | { readonly place: Path; readonly schema: JSONSchemaProps; readonly root: string }
  | { readonly problem: string };

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "'": "'",
  "\\": "\\",
};

/** Reads a path like `.spec.map['key'].name`. `keys`: whether it may have keys in brackets. */
export function fieldFrom(
  text: string,
  schema: JSONSchemaProps,
  { from = new Path(), keys = true }: { readonly from?: Path; readonly keys?: boolean } = {},
): FoundField {
  const tokens = tokensOf(text);
  let place = from;
  let inside = schema;
  let root = "";
  for (let i = 0; i < tokens.length; ) {
    const step = stepAt(tokens, i, keys);
    if ("problem" in step) return step;
    const { properties, additionalProperties } = inside;
    const isNamed = properties !== undefined;
    const next = isNamed ? properties[step.name] : schemaOf(additionalProperties);
    if (!next) return { problem: "does not refer to a valid field" };
    place = isNamed ? place.child(step.name) : place.key(step.name);
    root ||= step.name;
    inside = next;
    i += step.length;
  }
  return { place, schema: inside, root };
}

function schemaOf(value: JSONSchemaProps | boolean | undefined): JSONSchemaProps | undefined {
  return typeof value === "object" ? value : undefined;
}

/** Dots, brackets, and what is between them; text in quotes is one. */
function tokensOf(text: string): string[] {
  return text.match(/'(?:\\.|[^'\\])*'|[.[\]]|[^.[\]]+/g) ?? [];
}

function stepAt(
  tokens: readonly string[],
  i: number,
  keys: boolean,
): { readonly name: string; readonly length: number } | { readonly problem: string } {
  const [token = "", name, close] = tokens.slice(i, i + 3);
  const ended = { problem: "unexpected end of JSON path" };
  if (token === ".") return name === undefined ? ended : { name, length: 2 };
  if (token !== "[") return { problem: `expected [ or . but got: ${token}` };
  if (!keys) return { problem: "array notation is not allowed" };
  if (name === undefined) return ended;
  if (!/^'.*'$/s.test(name) || name.length < 2) return { problem: `expected single quoted string but got ${name}` };
  const inner = name.slice(1, -1);
  const odd = [...inner.matchAll(/\\(.)/gs)].findLast(([, mark = ""]) => escapes[mark] === undefined);
  if (odd) return { problem: `invalid string literal: invalid escape char ${odd[0]}` };
  if (close === undefined) return ended;
  if (close !== "]") return { problem: `expected ] but got ${close}` };
  return { name: inner.replace(/\\(.)/gs, (_, mark: string) => escapes[mark] ?? ""), length: 3 };
}
