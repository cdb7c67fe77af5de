/** What an expression may be worth, as far as that is known before it is evaluated. */
export type Type =
  | { readonly sort: SimpleSort }
  | { readonly sort: "list"; readonly item: Type }
  | { readonly sort: "map"; readonly key: Type; readonly value: Type }
  | { readonly sort: "optional"; readonly of: Type }
  /** The type of types. */
  | { readonly sort: "type"; readonly of: Type | undefined }
  | { readonly sort: "object"; readonly name: string; readonly fields: ReadonlyMap<string, Type> }
  /** Kubernetes' own: "kubernetes.Quantity", "net.IP". */
  | { readonly sort: "opaque"; readonly name: string }
  /** Stands for a type that is found out from where it is used. */
  | { readonly sort: "param"; readonly name: string };

const simpleSorts = [
  "dyn",
  "null",
  "bool",
  "int",
  "uint",
  "double",
  "string",
  "bytes",
  "timestamp",
  "duration",
  "error",
] as const;
export type SimpleSort = (typeof simpleSorts)[number];

const simple = new Map<string, Type>(simpleSorts.map((sort) => [sort, { sort }]));

export function simpleType(sort: SimpleSort): Type {
  return simple.get(sort) ?? { sort };
}

export const dyn = simpleType("dyn");
export const bool = simpleType("bool");
export const int = simpleType("int");
export const text = simpleType("string");
export const unknownType = simpleType("error");

export function listOf(item: Type): Type {
  return { sort: "list", item };
}
export function mapOf(key: Type, value: Type): Type {
  return { sort: "map", key, value };
}
export function optionalOf(of: Type): Type {
  return { sort: "optional", of };
}

/** As it stands in errors: "list(string)", "map(string, int)". */
export function typeText(type: Type): string {
  switch (type.sort) {
    case "list":
      return `list(${typeText(type.item)})`;
    case "map":
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case "optional":
      return `optional_type(${typeText(type.of)})`;
    case "type":
      return type.of ? `type(${typeText(type.of)})` : "type";
    case "object":
    case "opaque":
    case "param":
      return type.name;
    case "error":
      return "!error!";
    default:
      return type.sort;
  }
}

/** Reads a type from how functions are declared: "list(A)", "kubernetes.Quantity"; single capitals are parameters. */
export function typeFrom(written: string): Type {
  const [, name = written, inside] = /^([\w.]+)\((.*)\)$/.exec(written) ?? [];
  const parts = inside === undefined ? [] : splitTypes(inside).map(typeFrom);
  const [first = dyn, second = dyn] = parts;
  switch (name) {
    case "list":
      return listOf(first);
    case "map":
      return mapOf(first, second);
    case "optional":
      return optionalOf(first);
    case "type":
      return { sort: "type", of: parts[0] };
    default:
      if (/^[A-Z]$/.test(name)) return { sort: "param", name };
      return simple.get(name) ?? { sort: "opaque", name };
  }
}

/** "A, list(B)" → the two. */
export function splitTypes(written: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [i, character] of [...written].entries()) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === "," && depth === 0) {
      parts.push(written.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(written.slice(start));
  return parts.map((part) => part.trim()).filter(Boolean);
}

/** What parameters turned out to stand for. */
export class Bindings {
  #bound = new Map<string, Type>();
  #fresh = 0;

  newParam(): Type {
    return { sort: "param", name: `_var${this.#fresh++}` };
  }

  /** A type with the parameters of a declaration replaced by new ones, the same for the same names. */
  instance(types: readonly Type[]): Type[] {
    const names = new Map<string, Type>();
    const renew = (type: Type): Type => {
      if (type.sort !== "param") return mapParts(type, renew);
      const known = names.get(type.name) ?? this.newParam();
      names.set(type.name, known);
      return known;
    };
    return types.map(renew);
  }

  /** The type as far as it is known; with `free` what is not known is dyn. */
  resolved(type: Type, free?: Type): Type {
    if (type.sort !== "param") return mapParts(type, (part) => this.resolved(part, free));
    const bound = this.#bound.get(type.name);
    return bound ? this.resolved(bound, free) : (free ?? type);
  }

  /** Whether values of one type may stand where the other is wanted; finds out what parameters stand for. */
  assignable(from: Type, to: Type): boolean {
    return this.allAssignable([from], [to]);
  }
  allAssignable(from: readonly Type[], to: readonly Type[]): boolean {
    if (from.length !== to.length) return false;
    const before = new Map(this.#bound);
    if (from.every((type, i) => this.#unify(type, to[i] ?? dyn))) return true;
    this.#bound = before;
    return false;
  }

  #unify(from: Type, to: Type): boolean {
    const a = this.#head(from);
    const b = this.#head(to);
    if (a === b) return true;
    if (b.sort === "param") return this.#bind(b.name, a);
    if (a.sort === "param") return this.#bind(a.name, b);
    if (a.sort === "dyn" || b.sort === "dyn" || a.sort === "error" || b.sort === "error") return true;
    if (a.sort === "null") return nullable.has(b.sort);
    if (b.sort === "null") return nullable.has(a.sort);
    if (a.sort === "list" && b.sort === "list") return this.#unify(a.item, b.item);
    if (a.sort === "map" && b.sort === "map") return this.#unify(a.key, b.key) && this.#unify(a.value, b.value);
    if (a.sort === "optional" && b.sort === "optional") return this.#unify(a.of, b.of);
    if (a.sort === "type" && b.sort === "type") return true;
    if ((a.sort === "object" || a.sort === "opaque") && a.sort === b.sort) return a.name === b.name;
    return a.sort === b.sort;
  }
  #head(type: Type): Type {
    const bound = type.sort === "param" ? this.#bound.get(type.name) : undefined;
    return bound ? this.#head(bound) : type;
  }
  #bind(name: string, type: Type): boolean {
    if (type.sort === "param" && type.name === name) return true;
    if (mentions(this.resolved(type), name)) return false;
    this.#bound.set(name, type);
    return true;
  }
}

const nullable: ReadonlySet<Type["sort"]> = new Set(["null", "object", "opaque", "optional", "timestamp", "duration"]);

function mapParts(type: Type, change: (part: Type) => Type): Type {
  switch (type.sort) {
    case "list":
      return listOf(change(type.item));
    case "map":
      return mapOf(change(type.key), change(type.value));
    case "optional":
      return optionalOf(change(type.of));
    case "type":
      return { sort: "type", of: type.of && change(type.of) };
    default:
      return type;
  }
}

function mentions(type: Type, param: string): boolean {
  let found = type.sort === "param" && type.name === param;
  mapParts(type, (part) => {
    found ||= mentions(part, param);
    return part;
  });
  return found;
}

/** The more general of two types that fit. */
export function moreGeneral(a: Type, b: Type): Type {
  if (a.sort === "dyn" || b.sort === "param") return a;
  if (b.sort === "dyn" || a.sort === "param") return b;
  if (a.sort === "null") return b;
  return a;
}
