import { type FieldError, Path } from "../../field.ts";
import { apiVersionOf, type Kind } from "../../kind.ts";
import type { AnyObject } from "../../object.ts";
import { decodeValue } from "../../schema/decode.ts";
import { typeNode } from "../../schema/table.ts";

const writing = { user: { name: "someone", uid: "", groups: ["people"], extra: {} }, now: 0, warn: () => undefined };

/** An object as a client sent it, after decoding and defaulting. */
export function sent(kind: Kind, fields: object, metadata: object = {}): AnyObject {
  const given = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name: "one", ...metadata }, ...fields };
  const object = decodeValue(structuredClone(given), typeNode(kind.type)).object as AnyObject;
  kind.strategy.defaults?.(object);
  return object;
}

/** What the kind says is wrong with a new object, as lines of "field: message". */
export function wrongWithNew(kind: Kind, fields: object, metadata: object = {}): string[] {
  const object = sent(kind, fields, { uid: "u-1", ...metadata });
  kind.strategy.prepareCreate?.(object, writing);
  const { validate, validateCreate } = kind.strategy;
  return lines([...(validate?.(object, new Path()) ?? []), ...(validateCreate?.(object, new Path()) ?? [])]);
}

/** What it says is wrong with a change. */
export function wrongWithChange(kind: Kind, from: object, to: object): string[] {
  const [old, next] = [sent(kind, from, { uid: "u-1" }), sent(kind, to, { uid: "u-1" })];
  kind.strategy.prepareCreate?.(old, writing);
  kind.strategy.prepareUpdate?.(next, old, writing);
  return lines(kind.strategy.validateUpdate?.(next, old, new Path()));
}

function lines(errors: readonly FieldError[] | undefined): string[] {
  return (errors ?? []).map(({ field, message }) => `${field}: ${message}`);
}
