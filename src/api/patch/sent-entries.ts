import type { ManagedFieldsEntry } from "../object.ts";
import { isObject } from "./value.ts";

/** Whether all of managedFields as a client sent them can be read; where not, what is stored stays. */
export function areReadable(entries: readonly ManagedFieldsEntry[]): boolean {
  return entries.every(
    ({ operation, apiVersion, fieldsType, fieldsV1 }) =>
      (operation === "Apply" || operation === "Update") &&
      Boolean(apiVersion) &&
      fieldsType === "FieldsV1" &&
      (fieldsV1 === undefined || fieldsV1 === null || isFieldSet(fieldsV1)),
  );
}

/** Whether a value names fields as FieldsV1 does (API reference, "FieldsV1"). */
function isFieldSet(set: unknown): boolean {
  return (
    isObject(set) && Object.entries(set).every(([key, below]) => key === "." || (isStep(key) && isFieldSet(below)))
  );
}

function isStep(key: string): boolean {
  const rest = key.slice(2);
  if (key.length < 2 || key[1] !== ":") return false;
  if (key[0] === "i") return /^[+-]?\d+$/.test(rest);
  if (key[0] === "v") return parsed(rest) !== undefined;
  return key[0] !== "k" || isObject(parsed(rest));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
