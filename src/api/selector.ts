import { StatusError } from "./status.ts";

/** Which labels an object must have (Kubernetes docs, "Labels and Selectors"). */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelExpression[];
}
export interface LabelExpression {
  readonly key: string;
  /** "In", "NotIn", "Exists" or "DoesNotExist"; of nodes also "Gt" and "Lt". */
  readonly operator: string;
  readonly values?: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** Whether the labels are selected. No selector selects nothing, an empty one everything. */
export function selects(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (!selector) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every((expression) => fulfils(labels[expression.key], expression));
}

/** Whether a value is as an expression wants it: of labels, and of what else can be selected by. */
export function fulfils(value: string | undefined, { operator, values = [] }: Omit<LabelExpression, "key">): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt": {
      if (value === undefined || !/^[+-]?\d+$/.test(value)) return false;
      const [is, bound] = [BigInt(value), BigInt(values[0] ?? "0")];
      return operator === "Gt" ? is > bound : is < bound;
    }
    default:
      return false;
  }
}

/** Whether every label of a plain map (a Service's selector) is there. */
export function selectsAll(wanted: Labels, labels: Labels = {}): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** The text form of a selector: "app=web,tier in (a,b)". */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const texts: { key: string; text: string }[] = [
    ...Object.entries(matchLabels).map(([key, value]) => ({ key, text: `${key}=${value}` })),
    ...matchExpressions.map(({ key, operator, values = [] }) => ({ key, text: expressionText(key, operator, values) })),
  ];
  return texts
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ text }) => text)
    .join(",");
}

function expressionText(key: string, operator: string, values: readonly string[]): string {
  const list = [...values].sort().join(",");
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  return `${key} ${operator === "NotIn" ? "notin" : "in"} (${list})`;
}

/** A parsed selector: decides by labels. */
export interface LabelMatcher {
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels | undefined): boolean;
}

interface LabelRequirement {
  readonly key: string;
  readonly operator: "=" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";
  readonly values: readonly string[];
}

/**
 * Reads a selector in its text form, as it stands in the query of a request.
 * @throws {StatusError} in the words of Kubernetes' own parser
 */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = new LabelParser(text).parse();
  return {
    requirements,
    matches: (labels = {}) =>
      requirements.every(({ key, operator, values }) => {
        const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
        return fulfils(value, { operator: meanings[operator], values });
      }),
  };
}

/** What the signs of the text form mean. */
const meanings: Readonly<Record<LabelRequirement["operator"], string>> = {
  "=": "In",
  in: "In",
  "!=": "NotIn",
  notin: "NotIn",
  exists: "Exists",
  "!": "DoesNotExist",
  gt: "Gt",
  lt: "Lt",
};

interface Token {
  readonly sort: "word" | "end" | "symbol";
  readonly text: string;
}

const badRequest = (message: string): StatusError => new StatusError("BadRequest", message);
const badRequirement = (message: string): StatusError => badRequest(`unable to parse requirement: ${message}`);

class LabelParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { sort: "end", text: "" };
  }
  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  parse(): LabelRequirement[] {
    const found: LabelRequirement[] = [];
    for (;;) {
      const token = this.#peek();
      if (token.sort === "end") return found;
      if (token.sort !== "word" && token.text !== "!")
        throw badRequest(`found '${token.text}', expected: !, identifier, or 'end of string'`);
      found.push(this.#requirement());
      const behind = this.#next();
      if (behind.sort === "end") return found;
      if (behind.text !== "," || behind.sort !== "symbol")
        throw badRequest(`found '${behind.text}', expected: ',' or 'end of string'`);
      const ahead = this.#peek();
      if (ahead.sort !== "word" && ahead.text !== "!")
        throw badRequest(`found '${ahead.text}', expected: identifier after ','`);
    }
  }

  #requirement(): LabelRequirement {
    const negated = this.#peek().text === "!";
    if (negated) this.#next();
    const name = this.#next();
    if (name.sort !== "word") throw badRequirement(`found '${name.text}', expected: identifier`);
    const key = name.text;
    const wrong = keyFault(key);
    if (wrong) throw badRequirement(`<nil>: Invalid value: ${JSON.stringify(key)}: ${wrong}`);
    const ahead = this.#peek();
    if (negated) return { key, operator: "!", values: [] };
    if (ahead.sort === "end" || ahead.text === ",") return { key, operator: "exists", values: [] };
    return this.#withValues(key);
  }

  #withValues(key: string): LabelRequirement {
    const { text } = this.#next();
    switch (text) {
      case "in":
      case "notin":
        return this.#checked({ key, operator: text, values: this.#set() });
      case "=":
      case "==":
        return this.#checked({ key, operator: "=", values: [this.#value()] });
      case "!=":
        return this.#checked({ key, operator: "!=", values: [this.#value()] });
      case ">":
      case "<":
        return this.#checked({ key, operator: text === ">" ? "gt" : "lt", values: [this.#value()] });
      default:
        throw badRequirement(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  #value(): string {
    const ahead = this.#peek();
    if (ahead.sort === "end" || ahead.text === ",") return "";
    this.#next();
    if (ahead.sort !== "word") throw badRequirement(`found '${ahead.text}', expected: identifier`);
    return ahead.text;
  }

  #set(): string[] {
    const open = this.#next();
    if (open.text !== "(") throw badRequirement(`found '${open.text}' expected: '('`);
    const values: string[] = [];
    let current = "";
    for (;;) {
      const token = this.#next();
      if (token.sort === "word") current = token.text;
      else if (token.text === ",") {
        values.push(current);
        current = "";
      } else if (token.text === ")") {
        values.push(current);
        return [...new Set(values)].sort();
      } else throw badRequirement(`found '${token.text}', expected: ',', or ')'`);
    }
  }

  #checked(requirement: LabelRequirement): LabelRequirement {
    const { key, operator, values } = requirement;
    if (operator === "gt" || operator === "lt") {
      if (!/^[+-]?\d+$/.test(values[0] ?? ""))
        throw badRequirement(
          `values[0][${key}]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
        );
      return requirement;
    }
    for (const value of values) {
      const wrong = labelValueFault(value);
      if (wrong) throw badRequirement(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong}`);
    }
    return requirement;
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [token = ""] of text.matchAll(/[=!<>]+|[(),]|[^\s=!<>(),]+/g)) {
    if (!/^[=!<>]/.test(token)) tokens.push({ sort: /^[(),]$/.test(token) ? "symbol" : "word", text: token });
    else for (const [symbol = ""] of token.matchAll(/==|!=|[=!<>]/g)) tokens.push({ sort: "symbol", text: symbol });
  }
  return tokens;
}

const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const keyText =
  "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function keyFault(key: string): string | undefined {
  const parts = key.split("/");
  const [prefix, name] = parts.length === 2 ? parts : [undefined, parts[0]];
  if (parts.length > 2) return keyText;
  if (prefix !== undefined && !(prefix.length <= 253 && subdomain.test(prefix))) return keyText;
  return name && name.length <= 63 && namePart.test(name) ? undefined : keyText;
}

function labelValueFault(value: string): string | undefined {
  if (value.length > 63) return "must be no more than 63 bytes";
  return value === "" || namePart.test(value) ? undefined : valueText;
}

export interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Reads a field selector: "metadata.name=web,status.phase!=Running". Which fields there are, the kind decides. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const found: FieldRequirement[] = [];
  for (const term of text.split(/(?<!\\),/)) {
    if (term === "") continue;
    const [, field, operator, value] = /^(.*?)(!=|==|=)(.*)$/s.exec(term) ?? [];
    if (field === undefined || operator === undefined || value === undefined)
      throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    found.push({ field, equal: operator !== "!=", value: value.replace(/\\([\\,=])/g, "$1") });
  }
  return found;
}
