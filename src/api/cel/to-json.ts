import { durationText, timestampText } from "./functions/times.ts";
import {
  CelError,
  Duration,
  ListValue,
  MapValue,
  Optional,
  Timestamp,
  typeNameOf,
  Uint,
  type Value,
} from "./values.ts";

/** A value as JSON. @throws {CelError} for what JSON cannot say */
export function jsonFromValue(value: Value): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "number" || typeof value === "string")
    return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Uint) return Number(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationText(value);
  if (value instanceof ListValue) return value.items.map(jsonFromValue);
  if (value instanceof Optional) return value.value === undefined ? undefined : jsonFromValue(value.value);
  if (value instanceof MapValue)
    return Object.fromEntries(value.keys().map((key) => [String(key), jsonFromValue(value.get(key) ?? null)]));
  throw new CelError(`unsupported type ${typeNameOf(value)}`);
}
