/**
 * A CronJob's schedule: five fields, or a word like "@daily" (Kubernetes docs, "CronJob", section "Schedule syntax").
 * What is wrong with a text is said in the words that clients of Kubernetes see.
 */
export type Schedule =
  | {
      readonly sort: "fields";
      readonly minutes: ReadonlySet<number>;
      readonly hours: ReadonlySet<number>;
      readonly daysOfMonth: ReadonlySet<number>;
      readonly months: ReadonlySet<number>;
      readonly daysOfWeek: ReadonlySet<number>;
      /** Days are those of the month or those of the week, unless one of the two fields is "*" or "?". */
      readonly anyDayOfMonth: boolean;
      readonly anyDayOfWeek: boolean;
    }
  | { readonly sort: "every"; readonly seconds: number };

export class ScheduleError extends Error {
  override readonly name = "ScheduleError";
}

interface FieldRange {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const minute: FieldRange = { min: 0, max: 59 };
const hour: FieldRange = { min: 0, max: 23 };
const dayOfMonth: FieldRange = { min: 1, max: 31 };
const month: FieldRange = {
  min: 1,
  max: 12,
  names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const dayOfWeek: FieldRange = { min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

const words: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};

/**
 * Reads a schedule without a time zone of its own.
 * @throws {ScheduleError} saying what is wrong
 */
export function parseSchedule(text: string): Schedule {
  if (text === "") throw new ScheduleError("empty spec string");
  if (text.startsWith("@")) return parseWord(text);
  const fields = text.trim().split(/\s+/).filter(Boolean);
  if (fields.length !== 5)
    throw new ScheduleError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`);
  const [minutes, hours, days, months, weekdays] = fields as [string, string, string, string, string];
  return {
    sort: "fields",
    minutes: parseField(minutes, minute),
    hours: parseField(hours, hour),
    daysOfMonth: parseField(days, dayOfMonth),
    months: parseField(months, month),
    daysOfWeek: parseField(weekdays, dayOfWeek),
    anyDayOfMonth: isAny(days),
    anyDayOfWeek: isAny(weekdays),
  };
}

function parseWord(text: string): Schedule {
  const spelt = words[text];
  if (spelt) return parseSchedule(spelt);
  const every = "@every ";
  if (!text.startsWith(every)) throw new ScheduleError(`unrecognized descriptor: ${text}`);
  const seconds = durationSeconds(text.slice(every.length));
  if (seconds === undefined)
    throw new ScheduleError(
      `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(text.slice(every.length))}`,
    );
  return { sort: "every", seconds: Math.max(1, Math.floor(seconds)) };
}

/** Go's durations, as far as schedules have them: "1h30m10s". */
function durationSeconds(text: string): number | undefined {
  if (!/^((\d+\.?\d*|\.\d+)(h|ms|m|s))+$/.test(text)) return undefined;
  const unit = { h: 3600, m: 60, s: 1, ms: 0.001 } as const;
  let seconds = 0;
  for (const [, number, name] of text.matchAll(/(\d+\.?\d*|\.\d+)(h|ms|m|s)/g))
    seconds += Number(number) * unit[name as keyof typeof unit];
  return seconds;
}

function isAny(field: string): boolean {
  return field.split(",").some((part) => /^[*?](\/1)?$/.test(part));
}

function parseField(field: string, range: FieldRange): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of field.split(",").filter(Boolean)) for (const value of parseRange(part, range)) values.add(value);
  return values;
}

/** "5", "1-5", "*", "1-30/2", "5/10" (from 5 to the end). */
function parseRange(text: string, range: FieldRange): number[] {
  const [span = "", stepText, ...moreSteps] = text.split("/");
  const [low = "", high, ...moreHyphens] = span.split("-");
  const any = low === "*" || low === "?";
  if (!any && moreHyphens.length > 0) throw new ScheduleError(`too many hyphens: ${text}`);
  const start = any ? range.min : parseValue(low, range);
  let end = any ? range.max : high === undefined ? start : parseValue(high, range);
  if (moreSteps.length > 0) throw new ScheduleError(`too many slashes: ${text}`);
  const step = stepText === undefined ? 1 : parseNumber(stepText);
  if (stepText !== undefined && !any && high === undefined) end = range.max;
  if (start < range.min) throw new ScheduleError(`beginning of range (${start}) below minimum (${range.min}): ${text}`);
  if (end > range.max) throw new ScheduleError(`end of range (${end}) above maximum (${range.max}): ${text}`);
  if (start > end) throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${text}`);
  const values: number[] = [];
  for (let value = start; value <= end; value += step) values.push(value);
  return values;
}

function parseValue(text: string, { min, names = [] }: FieldRange): number {
  const named = names.indexOf(text.toLowerCase());
  return named < 0 ? parseNumber(text) : named + min;
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new ScheduleError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  const number = Number(text);
  if (number < 0) throw new ScheduleError(`negative number (${number}) not allowed: ${text}`);
  return number;
}
