import { readFileSync } from "node:fs";

/** A request as it was recorded. Texts hold variables, `{{step.path.of.field}}`, of answers to earlier steps. */
export interface RecordedRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly body?: unknown;
  readonly bodyBase64?: string;
  /** Changes of the body, by JSON pointer; null removes. */
  readonly set?: Readonly<Record<string, unknown>>;
  readonly waitMs?: number;
  readonly watchMs?: number;
  readonly until?: string;
  readonly raw?: boolean;
  readonly headersOnly?: boolean;
  readonly allHeaders?: boolean;
  readonly shape?: "metrics";
}

/** An answer as it was recorded, with placeholders for what differs from run to run. */
export interface RecordedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: unknown;
  readonly events?: readonly unknown[];
  readonly base64?: string;
}

export interface Line {
  readonly scenario: string;
  readonly step: string;
  /** Only there so that the next ones find what they need: of its answer the status counts. */
  readonly setup?: boolean;
  readonly request: RecordedRequest;
  readonly response: RecordedAnswer;
}

/** The scenarios of a file, each with its lines in order. */
export function scenariosIn(file: string): readonly (readonly Line[])[] {
  const scenarios = new Map<string, Line[]>();
  for (const text of readFileSync(file, "utf8").trim().split("\n")) {
    const line = JSON.parse(text) as Line;
    const lines = scenarios.get(line.scenario);
    if (lines) lines.push(line);
    else scenarios.set(line.scenario, [line]);
  }
  return [...scenarios.values()];
}

/** The bytes that a request sends, its variables filled in. */
export function payloadOf(request: RecordedRequest, known: Readonly<Record<string, unknown>>): Buffer | undefined {
  if (request.bodyBase64 !== undefined) return Buffer.from(filled(request.bodyBase64, known) as string, "base64");
  if (request.body === undefined) return undefined;
  const body = filled(request.body, known);
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(withChanges(body, request.set ?? {})));
}

/** A value with its variables filled in. A text that is nothing but a variable becomes the value itself. */
export function filled(template: unknown, known: Readonly<Record<string, unknown>>): unknown {
  if (typeof template === "string") {
    const alone = /^\{\{([^{}]+)\}\}$/.exec(template)?.[1];
    if (alone !== undefined) return structuredClone(variable(alone, known));
    return template.replace(/\{\{([^{}]+)\}\}/g, (_, name: string) => String(variable(name, known)));
  }
  if (Array.isArray(template)) return template.map((item) => filled(item, known));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [filled(key, known), filled(value, known)] as [string, unknown]),
  );
}

function variable(name: string, known: Readonly<Record<string, unknown>>): unknown {
  const [word, text = "", times] = name.split(" ");
  if (word === "repeat") return text.repeat(Number(times));
  let value: unknown = known;
  for (const key of name.split(".")) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return value ?? `unknown-${name}`;
}

function withChanges(object: unknown, changes: Readonly<Record<string, unknown>>): unknown {
  for (const [pointer, value] of Object.entries(changes)) {
    const keys = pointer
      .slice(1)
      .split("/")
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    let parent = object as Record<string, unknown>;
    for (const key of keys) {
      parent[key] ??= {};
      parent = parent[key] as Record<string, unknown>;
    }
    if (value !== null) parent[last] = value;
    else if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete parent[last];
  }
  return object;
}
