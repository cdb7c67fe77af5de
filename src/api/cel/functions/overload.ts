import { splitTypes, type Type, typeFrom } from "../types.ts";
import type { Value } from "../values.ts";

/** One form of a function: for these types of arguments. */
export interface Overload {
  /** As cost rules name it: "contains_string". */
  readonly id: string;
  readonly name: string;
  /** Whether it is called on its first argument: `text.contains(part)`. */
  readonly isMember: boolean;
  readonly args: readonly Type[];
  readonly result: Type;
  /** @throws {CelError} */
  call(...args: Value[]): Value;
}

/**
 * Declares a form of a function: "(string).contains(string): bool" is called on a text, "size(list(A)): int" is not.
 * `call` gets what the signature says.
 */
export function overload(id: string, signature: string, call: (...args: never[]) => Value): Overload {
  const parts = /^(?:\((?<receiver>.+?)\)\.)?(?<name>[^(]+)\((?<args>.*)\): (?<result>.+)$/.exec(signature)?.groups;
  if (!parts) throw new Error(`${signature} is no signature`);
  const { receiver, name = "", args = "", result = "dyn" } = parts;
  const types = splitTypes(args).map(typeFrom);
  return {
    id,
    name,
    isMember: receiver !== undefined,
    args: receiver === undefined ? types : [typeFrom(receiver), ...types],
    result: typeFrom(result),
    call: call as (...args: Value[]) => Value,
  };
}
