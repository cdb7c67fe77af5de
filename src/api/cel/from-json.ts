import { durationFromText, timestampFrom } from "./functions/times.ts";
import type { Declaration } from "./schema.ts";
import { CelError, ListValue, MapValue, type Value } from "./values.ts";

/**
 * JSON as a value: of the types that a declaration says, and of those it shows where there is none. Objects are converted as far
 * as they are looked into.
 */
export function valueFromJson(json: unknown, declaration?: Declaration): Value {
  if (json === null || json === undefined) return null;
  if (Array.isArray(json))
    return new ListValue(
      json.map((item) => valueFromJson(item, declaration?.item)),
      declaration?.meaning,
    );
  if (typeof json === "object") return new ObjectMap(json as Readonly<Record<string, unknown>>, declaration);
  switch (declaration?.type.sort) {
    case "timestamp":
      return timestampOf(String(json));
    case "duration":
      return durationFromText(String(json));
    case "bytes":
      return Buffer.from(String(json), "base64");
    case "double":
      return Number(json);
  }
  if (typeof json === "number") return Number.isInteger(json) ? BigInt(json) : json;
  return typeof json === "string" || typeof json === "boolean" ? json : null;
}

function timestampOf(text: string): Value {
  return timestampFrom(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
}

/** An object or a map of JSON. */
class ObjectMap extends MapValue {
  readonly #json: Readonly<Record<string, unknown>>;
  readonly #declaration: Declaration | undefined;
  readonly #known = new Map<string, Value>();

  constructor(json: Readonly<Record<string, unknown>>, declaration: Declaration | undefined) {
    super();
    this.#json = json;
    this.#declaration = declaration;
  }

  get(key: Value): Value | undefined {
    if (typeof key !== "string") throw new CelError("unsupported key type");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { fields, item } = this.#declaration ?? {};
    const field = fields?.get(key);
    if (fields && !field) return undefined;
    const name = field?.name ?? key;
    if (!Object.hasOwn(this.#json, name) || this.#json[name] === undefined) return undefined;
    const value = valueFromJson(this.#json[name], field?.declaration ?? item);
    this.#known.set(key, value);
    return value;
  }
  keys(): Value[] {
    const { fields } = this.#declaration ?? {};
    if (!fields) return Object.keys(this.#json);
    return [...fields].filter(([, { name }]) => this.#json[name] !== undefined).map(([key]) => key);
  }
  get size(): number {
    return this.keys().length;
  }
}
