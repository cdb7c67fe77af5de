import type { Issue } from "./syntax.ts";

export interface Token {
  /** A mark's own text ("&&"), or the name that the grammar gives to its sort ("IDENTIFIER", "<EOF>"). */
  readonly sort: string;
  readonly text: string;
  readonly at: number;
}

const marks = ["==", "!=", "<=", ">=", "&&", "||", ..."<>[]{}().,-!?:+*/%"];
const words = new Set(["in", "true", "false", "null"]);

const skipped = /(?:[\t\n\f\r ]+|\/\/[^\n]*)+/y;
const number = /0x[0-9a-fA-F]+u?|(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|\d+[uU]?/y;
const word = /[A-Za-z_][A-Za-z0-9_]*/y;
const escapedWord = /`[A-Za-z0-9_.\-/ ]+`/y;
const text =
  /[bB]?[rR]?(?:"""[\s\S]*?"""|'''[\s\S]*?''')|[bB]?[rR](?:"[^"\n\r]*"|'[^'\n\r]*')|[bB]?(?:"(?:\\.|[^"\\\n\r])*"|'(?:\\.|[^'\\\n\r])*')/y;
const longText = /[bB]?(?:"""(?:\\[\s\S]|[^\\])*?"""|'''(?:\\[\s\S]|[^\\])*?''')/y;

/** The tokens of an expression, `<EOF>` last. What is no token is left out and complained of. */
export function tokensOf(source: string): { tokens: Token[]; issues: Issue[] } {
  const tokens: Token[] = [];
  const issues: Issue[] = [];
  const match = (pattern: RegExp, at: number): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  for (let at = 0; ; ) {
    at += match(skipped, at)?.length ?? 0;
    if (at >= source.length) break;
    const token = tokenAt(source, at, match);
    if (token) {
      tokens.push(token);
      at += token.text.length;
    } else {
      const rest = /^["']/.test(source.slice(at)) ? source.slice(at).split(/[\n\r]/)[0] : [...source.slice(at)][0];
      const wrong = rest ?? "";
      issues.push({ at, message: `Syntax error: token recognition error at: '${wrong}'` });
      at += Math.max(wrong.length, 1);
    }
  }
  tokens.push({ sort: "<EOF>", text: "<EOF>", at: source.length });
  return { tokens, issues };
}

function tokenAt(
  source: string,
  at: number,
  match: (pattern: RegExp, at: number) => string | undefined,
): Token | undefined {
  const literal = match(longText, at) ?? match(text, at);
  if (literal) return { sort: /^[rR]?[bB]/.test(literal) ? "BYTES" : "STRING", text: literal, at };
  const digits = match(number, at);
  if (digits) return { sort: numberSort(digits), text: digits, at };
  const name = match(word, at);
  if (name) return { sort: words.has(name) ? name : "IDENTIFIER", text: name, at };
  const escaped = match(escapedWord, at);
  if (escaped) return { sort: "ESC_IDENTIFIER", text: escaped, at };
  const mark = marks.find((candidate) => source.startsWith(candidate, at));
  return mark ? { sort: mark, text: mark, at } : undefined;
}

function numberSort(digits: string): string {
  if (/[uU]$/.test(digits)) return "NUM_UINT";
  return /^0x/.test(digits) || /^\d+$/.test(digits) ? "NUM_INT" : "NUM_FLOAT";
}

const escapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
  "`": 96,
  "?": 63,
};

/** What a literal of text or bytes stands for. @throws {RangeError} for an escape that says nothing */
export function unquoted(literal: string): string | Uint8Array {
  const [, prefix = ""] = /^([bBrR]*)/.exec(literal) ?? [];
  const isRaw = /r/i.test(prefix);
  const isBytes = /b/i.test(prefix);
  const body = literal.slice(prefix.length);
  const quotes = /^("""|''')/.test(body) ? 3 : 1;
  const inside = body.slice(quotes, -quotes).replace(/\r\n?/g, "\n");
  if (isRaw) return isBytes ? new TextEncoder().encode(inside) : inside;
  const parts: (string | number)[] = [];
  const pattern =
    /\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))|[^\\]+/g;
  for (const [whole, x, X, u, U, octal, plain] of inside.matchAll(pattern)) {
    const hex = x ?? X ?? u ?? U;
    if (hex !== undefined) parts.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) parts.push(Number.parseInt(octal, 8));
    else if (plain !== undefined) {
      const code = escapes[plain];
      if (code === undefined) throw new RangeError("unable to unescape string");
      parts.push(code);
    } else parts.push(whole);
  }
  if (!isBytes) return parts.map((part) => (typeof part === "number" ? String.fromCodePoint(part) : part)).join("");
  const encoder = new TextEncoder();
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part & 0xff] : [...encoder.encode(part)])),
  );
}
