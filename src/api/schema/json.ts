/**
 * JSON as Kubernetes reads it: like JSON.parse, but it also tells of fields that come twice, keeps the text of numbers that
 * are not plain whole ones (an int32 may not be written 1.0), and words its errors as Go's encoding/json does.
 */
export interface JsonDocument {
  readonly value: unknown;
  /** For objects in which a field came twice: all their keys in the order they came. */
  readonly repeated: ReadonlyMap<object, readonly string[]>;
  /** What a strict reader of YAML refuses the text for: keys that come twice. */
  readonly strictFault?: string | undefined;
}

/** A number that is not plainly whole: with a fraction, an exponent, or more digits than a double holds. */
export class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  valueOf(): number {
    return Number(this.text);
  }
  toJSON(): number {
    return Number(this.text);
  }
}

/** What is wrong with a text that is no JSON, in the words of Go's encoding/json. */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

const maxDepth = 10_000;
const nothingRepeated: ReadonlyMap<object, readonly string[]> = new Map();

/** @throws {JsonError} */
export function parseJson(text: string): JsonDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Reader(text).document();
  }
  const { keys, plain } = scan(text);
  return plain && keys === countKeys(value) ? { value, repeated: nothingRepeated } : new Reader(text).document();
}

/** Replaces what parseJson kept the text of by the numbers themselves. Changes the value only where there are such. */
export function plainValue(value: unknown): unknown {
  if (value instanceof NumberText) return value.valueOf();
  if (typeof value !== "object" || value === null) return value;
  const container = value as Record<string, unknown>;
  for (const key in container) {
    const child = container[key];
    if (typeof child !== "object") continue;
    const plain = plainValue(child);
    if (plain !== child) container[key] = plain;
  }
  return value;
}

/** The fields that come twice, as paths ("spec.replicas"), in order. */
export function repeatedFields({ value, repeated }: JsonDocument): string[] {
  const paths: string[] = [];
  const visit = (at: unknown, path: string): void => {
    if (Array.isArray(at)) for (const [i, item] of at.entries()) visit(item, `${path}[${i}]`);
    if (typeof at !== "object" || at === null || Array.isArray(at)) return;
    const seen = new Set<string>();
    for (const key of repeated.get(at) ?? []) {
      if (seen.has(key)) paths.push(path ? `${path}.${key}` : key);
      seen.add(key);
    }
    for (const [key, field] of Object.entries(at)) visit(field, path ? `${path}.${key}` : key);
  };
  if (repeated.size) visit(value, "");
  return paths;
}

/** Counts the keys of valid JSON, and finds out whether it is no deeper than allowed and all its numbers are plain. */
function scan(text: string): { keys: number; plain: boolean } {
  let keys = 0;
  let depth = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      i++;
      for (let s = text.charCodeAt(i); s !== 0x22; s = text.charCodeAt(i)) i += s === 0x5c ? 2 : 1;
    } else if (c === 0x3a) keys++;
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > maxDepth) return { keys, plain: false };
    } else if (c === 0x7d || c === 0x5d) depth--;
    if (c >= 0x30 && c <= 0x39) {
      if (++digits > 15) return { keys, plain: false };
    } else {
      if (c === 0x2e || (digits > 0 && (c === 0x65 || c === 0x45))) return { keys, plain: false };
      digits = 0;
    }
  }
  return { keys, plain: true };
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === "object") count += countKeys(item);
    return count;
  }
  const object = value as Record<string, unknown>;
  for (const key in object) {
    count++;
    const field = object[key];
    if (typeof field === "object") count += countKeys(field);
  }
  return count;
}

/** The slow way: character by character, for texts that JSON.parse refuses or about which there is something to say. */
class Reader {
  readonly #text: string;
  readonly #repeated = new Map<object, readonly string[]>();
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonDocument {
    const value = this.#root();
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected("after top-level value");
    return { value, repeated: this.#repeated };
  }

  #root(): unknown {
    try {
      return this.#value();
    } catch (error) {
      // Our stack ends before the depth that is allowed does; only a text that is wrong elsewhere too comes here that deep.
      if (!(error instanceof RangeError)) throw error;
      const opening = this.#text[this.#at - 1] === "{" ? "{" : "[";
      throw new JsonError(`invalid character '${opening}' exceeded max depth`);
    }
  }

  #space(): void {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #unexpected(where: string): JsonError {
    const c = this.#text.codePointAt(this.#at);
    if (c === undefined) return new JsonError("unexpected end of JSON input");
    return new JsonError(`invalid character ${quoted(c)} ${where}`);
  }

  #value(): unknown {
    this.#space();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#nested(() => this.#object());
      case "[":
        return this.#nested(() => this.#list());
      case '"':
        return this.#string();
      case "t":
        return this.#literal("true", true);
      case "f":
        return this.#literal("false", false);
      case "n":
        return this.#literal("null", null);
      default:
        return this.#number();
    }
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > maxDepth) throw this.#unexpected("exceeded max depth");
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    const keys: string[] = [];
    this.#space();
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return object;
    }
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#unexpected("looking for beginning of object key string");
      const key = this.#string();
      this.#space();
      if (this.#text[this.#at] !== ":") throw this.#unexpected("after object key");
      this.#at++;
      keys.push(key);
      const value = this.#value();
      Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      this.#space();
      const next = this.#text[this.#at];
      if (next !== "," && next !== "}") throw this.#unexpected("after object key:value pair");
      this.#at++;
      if (next === "}") break;
    }
    if (new Set(keys).size < keys.length) this.#repeated.set(object, keys);
    return object;
  }

  #list(): unknown[] {
    const list: unknown[] = [];
    this.#space();
    if (this.#text[this.#at] === "]") {
      this.#at++;
      return list;
    }
    for (;;) {
      list.push(this.#value());
      this.#space();
      const next = this.#text[this.#at];
      if (next !== "," && next !== "]") throw this.#unexpected("after array element");
      this.#at++;
      if (next === "]") return list;
    }
  }

  #string(): string {
    const start = this.#at++;
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      if (Number.isNaN(c)) throw this.#unexpected("");
      if (c < 0x20) throw this.#unexpected("in string literal");
      this.#at++;
      if (c === 0x22) return JSON.parse(this.#text.slice(start, this.#at));
      if (c === 0x5c) this.#escape();
    }
  }

  #escape(): void {
    const c = this.#text[this.#at];
    if (c === undefined || !'"\\/bfnrtu'.includes(c)) throw this.#unexpected("in string escape code");
    this.#at++;
    if (c !== "u") return;
    for (let i = 0; i < 4; i++, this.#at++) {
      if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? "")) {
        throw this.#unexpected("in \\u hexadecimal character escape");
      }
    }
  }

  #literal<T>(word: string, value: T): T {
    for (const [i, letter] of [...word].entries()) {
      if (i > 0 && this.#text[this.#at] !== letter)
        throw this.#unexpected(`in literal ${word} (expecting '${letter}')`);
      this.#at++;
    }
    return value;
  }

  #number(): number | NumberText {
    const start = this.#at;
    if (this.#text[this.#at] === "-") this.#at++;
    if (!this.#digit())
      throw this.#unexpected(start === this.#at ? "looking for beginning of value" : "in numeric literal");
    if (this.#text[this.#at] === "0") this.#at++;
    else this.#digits();
    let plain = this.#at - start < 16;
    if (this.#text[this.#at] === ".") {
      plain = false;
      this.#at++;
      if (!this.#digit()) throw this.#unexpected("after decimal point in numeric literal");
      this.#digits();
    }
    if (/^[eE]$/.test(this.#text[this.#at] ?? "")) {
      plain = false;
      this.#at++;
      if (/^[+-]$/.test(this.#text[this.#at] ?? "")) this.#at++;
      if (!this.#digit()) throw this.#unexpected("in exponent of numeric literal");
      this.#digits();
    }
    const text = this.#text.slice(start, this.#at);
    return plain ? Number(text) : new NumberText(text);
  }

  #digit(): boolean {
    return /^[0-9]$/.test(this.#text[this.#at] ?? "");
  }
  #digits(): void {
    while (this.#digit()) this.#at++;
  }
}

/** A character as Go's errors quote it; of a longer one they see the first byte. */
function quoted(codePoint: number): string {
  if (codePoint === 0x27) return "'\\''";
  if (codePoint === 0x22) return "'\"'";
  const byte = codePoint < 0x80 ? codePoint : (new TextEncoder().encode(String.fromCodePoint(codePoint))[0] ?? 0);
  const named: Record<number, string> = { 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r" };
  if (byte < 0x20 || byte === 0x7f) return `'${named[byte] ?? `\\x${byte.toString(16).padStart(2, "0")}`}'`;
  return byte === 0x5c ? "'\\\\'" : `'${String.fromCharCode(byte)}'`;
}
