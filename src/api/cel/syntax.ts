/**
 * An expression of CEL (github.com/google/cel-spec, "Language definition") as a tree. Macros are expanded: `all`, `exists`,
 * `map` and their like are folds. `at` is where in the text errors about a node point to.
 */
export type Expr = Literal | Ident | Select | Call | ListLiteral | MapLiteral | StructLiteral | Fold;

export interface Literal {
  readonly sort: "literal";
  readonly at: number;
  readonly value: null | boolean | bigint | number | string | Uint8Array | { readonly uint: bigint };
}
export interface Ident {
  readonly sort: "ident";
  readonly at: number;
  readonly name: string;
}
export interface Select {
  readonly sort: "select";
  readonly at: number;
  readonly operand: Expr;
  readonly field: string;
  /** has(operand.field) */
  readonly isTest: boolean;
}
/** Operators are calls of functions named after their place among operands: `_+_`, `_?_:_`, `_[_]`. */
export interface Call {
  readonly sort: "call";
  readonly at: number;
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}
export interface ListLiteral {
  readonly sort: "list";
  readonly at: number;
  readonly items: readonly { readonly value: Expr; readonly isOptional: boolean }[];
}
export interface MapLiteral {
  readonly sort: "map";
  readonly at: number;
  readonly entries: readonly { readonly key: Expr; readonly value: Expr; readonly isOptional: boolean }[];
}
export interface StructLiteral {
  readonly sort: "struct";
  readonly at: number;
  readonly type: string;
  readonly fields: readonly {
    readonly at: number;
    readonly name: string;
    readonly value: Expr;
    readonly isOptional: boolean;
  }[];
}
/** Goes over `range` while `condition` holds; each `step` makes the next value of the variable `accumulator`. */
export interface Fold {
  readonly sort: "fold";
  readonly at: number;
  readonly range: Expr;
  /** The item of a list or the key of a map; with `second`: the position or the key. */
  readonly variable: string;
  readonly second: string | undefined;
  readonly accumulator: string;
  readonly initial: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

/** Something wrong with an expression's text, and where. */
export interface Issue {
  readonly at: number;
  readonly message: string;
}

export class SyntaxIssue extends Error {
  override readonly name = "SyntaxIssue";
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issues.map(({ message }) => message).join("\n"));
    this.issues = issues;
  }
}

/** All issues as CEL's own tools print them: the line, and below it a pointer. */
export function issueText(text: string, issues: readonly Issue[]): string {
  const lines = text.split("\n");
  const sorted = [...issues].sort((a, b) => a.at - b.at);
  return sorted
    .map(({ at, message }) => {
      const before = text.slice(0, at).split("\n");
      const line = before.length;
      const column = [...(before.at(-1) ?? "")];
      const pointer = column.map((character) => (character.charCodeAt(0) > 0x7f ? "．" : ".")).join("");
      return `ERROR: <input>:${line}:${column.length + 1}: ${message}\n | ${lines[line - 1]?.replaceAll("\t", " ")}\n | ${pointer}^`;
    })
    .join("\n");
}
