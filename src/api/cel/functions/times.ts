import { instantFrom } from "../../time.ts";
import { CelError, Duration, Timestamp } from "../values.ts";
import { type Overload, overload } from "./overload.ts";

const second = 1_000_000_000n;
const unitNanos: readonly [unit: string, nanos: bigint][] = [
  ["ns", 1n],
  ["us", 1000n],
  ["µs", 1000n],
  ["μs", 1000n],
  ["ms", 1_000_000n],
  ["s", second],
  ["m", 60n * second],
  ["h", 3600n * second],
];

/** @throws {CelError} */
export function timestampFrom(text: string): Timestamp {
  const instant = instantFrom(text);
  if (!instant) throw new CelError("type conversion error from 'string' to 'google.protobuf.Timestamp'");
  return new Timestamp(BigInt(instant.seconds) * second + BigInt(instant.nanos));
}

/** Go's durations: "1h30m", "-1.5s". @throws {CelError} */
export function durationFromText(text: string): Duration {
  const [, sign, body = ""] = /^([+-]?)(.*)$/.exec(text) ?? [];
  const pattern = /^(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;
  if (!pattern.test(body)) throw new CelError("type conversion error from 'string' to 'google.protobuf.Duration'");
  let nanos = 0n;
  for (const [, whole = "", fraction = "", unit] of body.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const size = unitNanos.find(([name]) => name === unit)?.[1] ?? 0n;
    nanos += BigInt(whole || 0) * size + (fraction ? (BigInt(fraction) * size) / 10n ** BigInt(fraction.length) : 0n);
  }
  return new Duration(sign === "-" ? -nanos : nanos);
}

export function timestampText({ nanos }: Timestamp): string {
  const seconds = floorDivided(nanos, second);
  const fraction = String(nanos - seconds * second)
    .padStart(9, "0")
    .replace(/0+$/, "");
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction ? `${whole}.${fraction}Z` : `${whole}Z`;
}

/** In seconds, as protobuf's JSON has durations: "5400s", "1.5s". */
export function durationText({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = String(size % second)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${nanos < 0n ? "-" : ""}${size / second}${fraction && `.${fraction}`}s`;
}

function floorDivided(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

/** The moment's clock and calendar in a zone, as if it were in UTC. */
function inZone({ nanos }: Timestamp, zone: string): Date {
  const ms = Number(floorDivided(nanos, 1_000_000n));
  const [, sign, hours, minutes] = /^([+-]?)(\d\d):(\d\d)$/.exec(zone) ?? [];
  if (hours !== undefined)
    return new Date(ms + (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1));
  if (zone === "UTC" || zone === "" || zone === "Z") return new Date(ms);
  try {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = parts;
    return new Date(Date.UTC(year, month - 1, day, hour, minute, seconds, ((ms % 1000) + 1000) % 1000));
  } catch (error) {
    if (error instanceof RangeError) throw new CelError(`unknown time zone ${zone}`);
    throw error;
  }
}

const dayMs = 24 * 3600 * 1000;

const calendar: Readonly<Record<string, (at: Date) => number>> = {
  getFullYear: (at) => at.getUTCFullYear(),
  getMonth: (at) => at.getUTCMonth(),
  getDayOfYear: (at) => Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / dayMs),
  getDayOfMonth: (at) => at.getUTCDate() - 1,
  getDate: (at) => at.getUTCDate(),
  getDayOfWeek: (at) => at.getUTCDay(),
  getHours: (at) => at.getUTCHours(),
  getMinutes: (at) => at.getUTCMinutes(),
  getSeconds: (at) => at.getUTCSeconds(),
  getMilliseconds: (at) => at.getUTCMilliseconds(),
};

export const times: Overload[] = [
  ...Object.entries(calendar).flatMap(([name, part]) => [
    overload(`timestamp_to_${name}`, `(timestamp).${name}(): int`, (at: Timestamp) => BigInt(part(inZone(at, "UTC")))),
    overload(`timestamp_to_${name}_with_tz`, `(timestamp).${name}(string): int`, (at: Timestamp, zone: string) =>
      BigInt(part(inZone(at, zone))),
    ),
  ]),
  overload("duration_to_hours", "(duration).getHours(): int", (d: Duration) => d.nanos / (3600n * second)),
  overload("duration_to_minutes", "(duration).getMinutes(): int", (d: Duration) => d.nanos / (60n * second)),
  overload("duration_to_seconds", "(duration).getSeconds(): int", (d: Duration) => d.nanos / second),
  overload("duration_to_milliseconds", "(duration).getMilliseconds(): int", (d: Duration) => d.nanos / 1_000_000n),
];
