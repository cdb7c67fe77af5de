import { type StatusCause, StatusError } from "./status.ts";

/** What is wrong with one field; the texts are those that Kubernetes' clients see (API reference, "StatusCause"). */
export interface FieldError {
  readonly reason:
    | "FieldValueRequired"
    | "FieldValueInvalid"
    | "FieldValueNotSupported"
    | "FieldValueDuplicate"
    | "FieldValueForbidden"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueNotFound"
    | "FieldValueTypeInvalid"
    | "InternalError";
  /** "spec.containers[0].name" */
  readonly field: string;
  /** The text behind the field's name: `Required value: …`. */
  readonly message: string;
}

/** Stands for a value that is not shown: the error is about a whole that would be too long to print. */
export const omittedValue: unique symbol = Symbol("omitted");

/** A place in an object, and the errors that can be said about it. */
export class Path {
  readonly #text: string;
  constructor(text = "") {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
  child(...names: readonly string[]): Path {
    return new Path([this.#text, ...names].filter(Boolean).join("."));
  }
  /** An item of a list. */
  index(position: number): Path {
    return new Path(`${this.#text}[${position}]`);
  }
  /** An entry of a map. */
  key(key: string): Path {
    return new Path(`${this.#text}[${key}]`);
  }

  #error(reason: FieldError["reason"], head: string, detail = ""): FieldError {
    return { reason, field: this.#text || "<nil>", message: detail ? `${head}: ${detail}` : head };
  }
  required(detail = ""): FieldError {
    return this.#error("FieldValueRequired", "Required value", detail);
  }
  invalid(value: unknown, detail: string): FieldError {
    const head = value === omittedValue ? "Invalid value" : `Invalid value: ${shown(value)}`;
    return this.#error("FieldValueInvalid", head, detail);
  }
  /** `valid` is listed in the order given. */
  notSupported(value: unknown, valid: readonly string[]): FieldError {
    const list = valid.map((v) => JSON.stringify(v)).join(", ");
    return this.#error(
      "FieldValueNotSupported",
      `Unsupported value: ${shown(value)}`,
      list && `supported values: ${list}`,
    );
  }
  duplicate(value: unknown): FieldError {
    const head = value === omittedValue ? "Duplicate value" : `Duplicate value: ${shown(value)}`;
    return this.#error("FieldValueDuplicate", head);
  }
  forbidden(detail: string): FieldError {
    return this.#error("FieldValueForbidden", "Forbidden", detail);
  }
  tooLong(maxLength: number): FieldError {
    return this.#error("FieldValueTooLong", "Too long", `may not be more than ${counted(maxLength, "byte")}`);
  }
  tooMany(actual: number, max: number): FieldError {
    return this.#error("FieldValueTooMany", `Too many: ${actual}`, `must have at most ${counted(max, "item")}`);
  }
  notFound(value: unknown): FieldError {
    return this.#error("FieldValueNotFound", `Not found: ${shown(value)}`);
  }
}

/** The 422 that lists all that is wrong with an object. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const all = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const subject = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  const causes: StatusCause[] = errors.map(({ reason, message, field }) => ({ reason, message, field }));
  return new StatusError("Invalid", `${subject} "${name}" is invalid: ${all}`, {
    ...(name && { name }),
    ...(kind.group && { group: kind.group }),
    ...(kind.kind && { kind: kind.kind }),
    causes,
  });
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** How Kubernetes prints a value in an error: texts quoted, numbers as they are, objects as Go's JSON. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return "null";
  if (typeof value !== "object") return JSON.stringify(value);
  // Go's JSON can stand in HTML.
  return JSON.stringify(value).replace(/[<>&]/g, (mark) => `\\u00${mark.charCodeAt(0).toString(16)}`);
}
