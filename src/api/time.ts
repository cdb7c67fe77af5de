/** Kubernetes' times and durations, as texts and milliseconds since 1970. */

/** "2026-01-02T03:04:05Z": how Time is written; parts of a second are cut off. */
export function timeText(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** "2026-01-02T03:04:05.000000Z": how MicroTime is written. */
export function microTimeText(ms: number): string {
  const micros = Math.floor(ms * 1000) - Math.floor(ms / 1000) * 1_000_000;
  return `${timeText(ms).slice(0, -1)}.${String(micros).padStart(6, "0")}Z`;
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:\d\d)$/;

/** A moment in whole seconds and the nanoseconds behind them. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

/** Reads RFC 3339; undefined where the text is none. */
export function instantFrom(text: string): Instant | undefined {
  const parts = rfc3339.exec(text);
  if (!parts) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = parts;
  const date = new Date(0);
  // Date.UTC takes the first hundred years for those of the twentieth century.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const wall = date.setUTCHours(Number(hour), Number(minute), Number(second));
  const carried = date.getUTCDate() !== Number(day) || date.getUTCMonth() !== Number(month) - 1;
  if (carried || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const [hours = 0, minutes = 0] = zone === "Z" ? [] : zone.slice(1).split(":").map(Number);
  const offset = (hours * 60 + minutes) * (zone.startsWith("-") ? -60 : 60);
  return { seconds: wall / 1000 - offset, nanos: Number(fraction.padEnd(9, "0").slice(0, 9)) };
}

/** Milliseconds since 1970 of an RFC 3339 text; NaN where it is none. */
export function timeFrom(text: string): number {
  const instant = instantFrom(text);
  return instant ? instant.seconds * 1000 + instant.nanos / 1e6 : Number.NaN;
}

const nanosOf = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["µs", 1e3],
  ["μs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", 3600e9],
]);

/** Reads Go's durations ("1h30m", "-1.5s", "0") into nanoseconds; undefined where the text is none. */
export function durationFrom(text: string): number | undefined {
  const [, sign, body = ""] = /^([+-]?)(.*)$/.exec(text) ?? [];
  if (body === "0") return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let nanos = 0;
  for (const [, number, unit = ""] of body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    nanos += Number(number) * (nanosOf.get(unit) ?? 0);
  }
  return Math.trunc(sign === "-" ? -nanos : nanos);
}

/** As Go prints a duration of so many nanoseconds: "1h30m0s", "1.5s", "300ms", "0s". */
export function durationText(nanos: number): string {
  if (nanos === 0) return "0s";
  const sign = nanos < 0 ? "-" : "";
  const size = Math.abs(nanos);
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${decimal(size, 1e3)}µs`;
  if (size < 1e9) return `${sign}${decimal(size, 1e6)}ms`;
  const seconds = Math.floor(size / 1e9);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${decimal((seconds % 60) * 1e9 + (size % 1e9), 1e9)}s`;
  if (hours) return `${sign}${hours}h${minutes}m${rest}`;
  return minutes ? `${sign}${minutes}m${rest}` : `${sign}${rest}`;
}

function decimal(value: number, unit: number): string {
  const whole = Math.floor(value / unit);
  const digits = String(Math.round(value % unit)).padStart(Math.log10(unit), "0");
  const fraction = digits.replace(/0+$/, "");
  return fraction ? `${whole}.${fraction}` : String(whole);
}
