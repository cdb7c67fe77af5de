const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** A duration as kubectl prints ages: at most two units, fewer the longer it is ("59s", "5m10s", "3h", "2d4h", "3y20d"). */
export function humanDuration(ms: number): string {
  // A clock that is a little ahead shows 0s; one that is far ahead is worth noticing.
  const seconds = Math.trunc(ms / second);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60 * 2) return `${seconds}s`;
  const minutes = Math.floor(ms / minute);
  if (minutes < 10) return two(minutes, "m", Math.floor(ms / second) % 60, "s");
  if (minutes < 60 * 3) return `${minutes}m`;
  const hours = Math.floor(ms / hour);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(ms / day);
  if (hours < 24 * 8) return two(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.floor(ms / year);
  if (hours < 24 * 365 * 8) return two(years, "y", days % 365, "d");
  return `${years}y`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small ? `${large}${largeUnit}${small}${smallUnit}` : `${large}${largeUnit}`;
}

const units: Readonly<Record<string, number>> = { h: hour, m: minute, s: second, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 };

/** A duration as settings give it ("1h30m", "2.5s", "300ms"), in milliseconds; undefined where the text is none. */
export function durationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|µs|ns))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g))
    sum += Number(amount) * (units[unit] ?? 0);
  return sum;
}
