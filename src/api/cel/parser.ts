import { type Token, tokensOf, unquoted } from "./lexer.ts";
import { expandMacro } from "./macros.ts";
import { type Expr, type Issue, type Literal, SyntaxIssue } from "./syntax.ts";

/** The order in which the grammar names tokens: that of lists of what was expected. */
const grammarOrder = [
  ..."[]{}().,-!?:",
  "true",
  "false",
  "null",
  "NUM_FLOAT",
  "NUM_INT",
  "NUM_UINT",
  "STRING",
  "BYTES",
  "IDENTIFIER",
];
const beginsExpression = ["[", "{", "(", ".", "-", "!", ...grammarOrder.slice(grammarOrder.indexOf("true"))];

const reserved = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);

// CEL's own limits: an expression that nests deeper or is longer is refused before it costs anything.
const deepest = 250;
const longest = 100_000;
const largestInt = 2n ** 63n - 1n;
const largestUint = 2n ** 64n - 1n;

/** @throws {SyntaxIssue} */
export function parseExpression(source: string): Expr {
  if (source.length > longest)
    throw new SyntaxIssue([
      { at: 0, message: `expression code point size exceeds limit: size: ${source.length}, limit ${longest}` },
    ]);
  const { tokens, issues } = tokensOf(source);
  const parser = new Parser(tokens);
  try {
    const expression = parser.whole();
    const found = [...issues, ...parser.issues];
    if (found.length > 0) throw new SyntaxIssue(found);
    return expression;
  } catch (error) {
    if (error instanceof SyntaxIssue && issues.length > 0 && error.issues[0] !== issues[0])
      throw new SyntaxIssue([...issues, ...error.issues]);
    throw error;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;
  /** What does not stop the reading. */
  readonly issues: Issue[] = [];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get #token(): Token {
    return this.#tokens[this.#next] ?? { sort: "<EOF>", text: "<EOF>", at: 0 };
  }
  #is(...sorts: readonly string[]): boolean {
    return sorts.includes(this.#token.sort);
  }
  #take(): Token {
    const token = this.#token;
    if (token.sort !== "<EOF>") this.#next++;
    return token;
  }
  #takeIf(sort: string): Token | undefined {
    return this.#is(sort) ? this.#take() : undefined;
  }
  #fail(message: string, { at } = this.#token): never {
    throw new SyntaxIssue([...this.issues, { at, message: `Syntax error: ${message}` }]);
  }
  /** The token that has to come now. */
  #need(sort: string): Token {
    const found = this.#takeIf(sort);
    if (found) return found;
    if (this.#is("<EOF>") && sort !== ":") this.#fail(`missing '${sort}' at '<EOF>'`);
    return this.#unwanted(sort === "<EOF>" ? sort : `'${sort}'`, sort);
  }
  #unwanted(expected: string, ...sorts: readonly string[]): never {
    const after = this.#tokens[this.#next + 1]?.sort ?? "<EOF>";
    const isExtra = !this.#is("<EOF>") && sorts.includes(after);
    return this.#fail(`${isExtra ? "extraneous" : "mismatched"} input '${this.#token.text}' expecting ${expected}`);
  }
  #noExpression(also: readonly string[]): never {
    const sorts = grammarOrder.filter((sort) => beginsExpression.includes(sort) || also.includes(sort));
    const shown = sorts.map((sort) => (/^[A-Z]/.test(sort) ? sort : `'${sort}'`));
    return this.#unwanted(`{${shown.join(", ")}}`, ...beginsExpression);
  }

  whole(): Expr {
    const expression = this.#expression();
    this.#need("<EOF>");
    return expression;
  }

  /** `also`: what else might stand here, beside an expression. */
  #expression(also: readonly string[] = []): Expr {
    if (++this.#depth > deepest) this.#fail(`expression recursion limit exceeded: ${deepest}`);
    const condition = this.#or(also);
    const question = this.#takeIf("?");
    let made = condition;
    if (question) {
      const yes = this.#or([]);
      this.#need(":");
      made = call("_?_:_", question.at, [condition, yes, this.#expression()]);
    }
    this.#depth--;
    return made;
  }
  #or(also: readonly string[]): Expr {
    let left = this.#and(also);
    for (let mark = this.#takeIf("||"); mark; mark = this.#takeIf("||"))
      left = call("_||_", mark.at, [left, this.#and([])]);
    return left;
  }
  #and(also: readonly string[]): Expr {
    let left = this.#relation(also);
    for (let mark = this.#takeIf("&&"); mark; mark = this.#takeIf("&&"))
      left = call("_&&_", mark.at, [left, this.#relation([])]);
    return left;
  }
  #relation(also: readonly string[]): Expr {
    let left = this.#sum(also);
    while (this.#is("<", "<=", ">=", ">", "==", "!=", "in")) {
      const { sort, at } = this.#take();
      left = call(sort === "in" ? "@in" : `_${sort}_`, at, [left, this.#sum([])]);
    }
    return left;
  }
  #sum(also: readonly string[]): Expr {
    let left = this.#product(also);
    while (this.#is("+", "-")) {
      const { sort, at } = this.#take();
      left = call(`_${sort}_`, at, [left, this.#product([])]);
    }
    return left;
  }
  #product(also: readonly string[]): Expr {
    let left = this.#unary(also);
    while (this.#is("*", "/", "%")) {
      const { sort, at } = this.#take();
      left = call(`_${sort}_`, at, [left, this.#unary([])]);
    }
    return left;
  }
  #unary(also: readonly string[]): Expr {
    const negation = this.#token;
    if (negation.sort === "-" && /^NUM_(INT|FLOAT)$/.test(this.#tokens[this.#next + 1]?.sort ?? "")) {
      this.#take();
      return this.#members(this.#number(this.#take(), negation));
    }
    if (!this.#is("!", "-")) return this.#members(this.#primary(also));
    let count = 0;
    for (; this.#is(negation.sort); count++) this.#take();
    const operand = this.#members(this.#primary([]));
    // Two cancel each other out.
    return count % 2 === 0 ? operand : call(`${negation.sort}_`, negation.at, [operand]);
  }

  #members(primary: Expr): Expr {
    let operand = primary;
    for (;;) {
      const { at, sort } = this.#token;
      if (sort === ".") {
        this.#take();
        operand = this.#member(operand, at);
      } else if (sort === "[") {
        this.#take();
        const isOptional = this.#takeIf("?") !== undefined;
        const index = this.#expression(["?"]);
        this.#need("]");
        operand = call(isOptional ? "_[?_]" : "_[_]", at, [operand, index]);
      } else return operand;
    }
  }
  #member(operand: Expr, at: number): Expr {
    const isOptional = this.#takeIf("?") !== undefined;
    if (!this.#is("IDENTIFIER", "ESC_IDENTIFIER")) this.#fail("no viable alternative at input '.'");
    const { text, sort } = this.#take();
    const field = sort === "ESC_IDENTIFIER" ? text.slice(1, -1) : text;
    if (isOptional) return call("_?._", at, [operand, { sort: "literal", at, value: field }]);
    const open = sort === "IDENTIFIER" ? this.#takeIf("(") : undefined;
    if (!open) return { sort: "select", at, operand, field, isTest: false };
    return this.#called(field, open.at, operand, this.#arguments());
  }
  #arguments(): Expr[] {
    const args: Expr[] = [];
    if (!this.#is(")"))
      do args.push(this.#expression(args.length === 0 ? [")"] : []));
      while (this.#takeIf(","));
    this.#need(")");
    return args;
  }
  #called(name: string, at: number, target: Expr | undefined, args: readonly Expr[]): Expr {
    const expanded = expandMacro({ name, at, target, args });
    if (!expanded) return { sort: "call", name, at, target, args };
    if ("message" in expanded) {
      this.issues.push(expanded);
      return { sort: "literal", at, value: false };
    }
    return expanded;
  }

  #primary(also: readonly string[]): Expr {
    const { sort, at, text } = this.#token;
    switch (sort) {
      case "(": {
        this.#take();
        const inside = this.#expression();
        this.#need(")");
        return inside;
      }
      case "[":
        this.#take();
        return { sort: "list", at, items: this.#items() };
      case "{":
        this.#take();
        return { sort: "map", at, entries: this.#entries() };
      case "true":
      case "false":
        this.#take();
        return { sort: "literal", at, value: sort === "true" };
      case "null":
        this.#take();
        return { sort: "literal", at, value: null };
      case "STRING":
      case "BYTES":
        return this.#text(this.#take());
      case "NUM_INT":
      case "NUM_UINT":
      case "NUM_FLOAT":
        return this.#number(this.#take());
      case ".":
      case "IDENTIFIER":
        return this.#name(at, text);
      default:
        return this.#noExpression(also);
    }
  }
  #name(at: number, first: string): Expr {
    const leading = this.#takeIf(".");
    const { text } = leading ? this.#need("IDENTIFIER") : this.#take();
    if (reserved.has(text)) this.issues.push({ at, message: `Syntax error: reserved identifier: ${first}` });
    const open = this.#takeIf("(");
    if (open) return this.#called(text, open.at, undefined, this.#arguments());
    const struct = this.#structName(text);
    if (struct) return struct;
    return { sort: "ident", at, name: text };
  }
  /** `a.b.Type{field: value}` */
  #structName(first: string): Expr | undefined {
    let ahead = this.#next;
    let type = first;
    while (this.#tokens[ahead]?.sort === "." && this.#tokens[ahead + 1]?.sort === "IDENTIFIER") {
      type += `.${this.#tokens[ahead + 1]?.text}`;
      ahead += 2;
    }
    const open = this.#tokens[ahead];
    if (open?.sort !== "{") return undefined;
    this.#next = ahead + 1;
    const fields: { at: number; name: string; value: Expr; isOptional: boolean }[] = [];
    while (!this.#is("}")) {
      const isOptional = this.#takeIf("?") !== undefined;
      if (!this.#is("IDENTIFIER", "ESC_IDENTIFIER")) this.#need("IDENTIFIER");
      const { text } = this.#take();
      const { at } = this.#need(":");
      fields.push({ at, name: text.replaceAll("`", ""), value: this.#expression(), isOptional });
      if (!this.#takeIf(",")) break;
    }
    this.#need("}");
    return { sort: "struct", at: open.at, type, fields };
  }
  #items(): { value: Expr; isOptional: boolean }[] {
    const items: { value: Expr; isOptional: boolean }[] = [];
    while (!this.#is("]")) {
      const isOptional = this.#takeIf("?") !== undefined;
      items.push({ value: this.#expression(items.length === 0 ? ["]", ",", "?"] : ["]", "?"]), isOptional });
      if (!this.#takeIf(",")) break;
    }
    this.#need("]");
    return items;
  }
  #entries(): { key: Expr; value: Expr; isOptional: boolean }[] {
    const entries: { key: Expr; value: Expr; isOptional: boolean }[] = [];
    while (!this.#is("}")) {
      const isOptional = this.#takeIf("?") !== undefined;
      const key = this.#expression(entries.length === 0 ? ["}", ",", "?"] : ["}", "?"]);
      this.#need(":");
      entries.push({ key, value: this.#expression(), isOptional });
      if (!this.#takeIf(",")) break;
    }
    this.#need("}");
    return entries;
  }

  #text({ text, at }: Token): Literal {
    try {
      return { sort: "literal", at, value: unquoted(text) };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.issues.push({ at, message: `Syntax error: ${error.message}` });
      return { sort: "literal", at, value: "" };
    }
  }
  #number({ text, sort, at }: Token, negation?: Token): Literal {
    const start = negation?.at ?? at;
    const literal = (value: Literal["value"]): Literal => ({ sort: "literal", at: start, value });
    if (sort === "NUM_FLOAT") return literal(negation ? -Number(text) : Number(text));
    if (sort === "NUM_UINT") {
      const uint = BigInt(text.slice(0, -1));
      if (uint > largestUint) this.issues.push({ at: start, message: "Syntax error: invalid uint literal" });
      return literal({ uint });
    }
    const value = negation ? -BigInt(text) : BigInt(text);
    if (value > largestInt || value < -largestInt - 1n)
      this.issues.push({ at: start, message: "Syntax error: invalid int literal" });
    return literal(value);
  }
}

function call(name: string, at: number, args: readonly Expr[]): Expr {
  return { sort: "call", name, at, target: undefined, args };
}
