import type { Schedule } from "../../api/kinds/batch/schedule.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
/** Schedules like that of 30 February have no next time; after so many years the search ends. */
const horizonMs = 5 * 366 * dayMs;

/** What the clock on the wall shows in a time zone. */
interface Wall {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

/** The first time of the schedule after a moment; undefined when there is none. */
export function nextTime(schedule: Schedule, afterMs: number, timeZone: string): number | undefined {
  if (schedule.sort === "every") return Math.floor(afterMs / 1000) * 1000 + schedule.seconds * 1000;
  const wallAt = wallOf(timeZone);
  let time = Math.floor(afterMs / minuteMs) * minuteMs + minuteMs;
  while (time <= afterMs + horizonMs) {
    const wall = wallAt(time);
    if (!schedule.months.has(wall.month) || !isDay(schedule, wall)) time = nextMidnight(time, wall, wallAt);
    else if (!schedule.hours.has(wall.hour)) time += (60 - wall.minute) * minuteMs;
    else if (!schedule.minutes.has(wall.minute)) time += minuteMs;
    else return time;
  }
  return undefined;
}

/** The latest time after `afterMs` and not after `now`, and how many there were about. */
export function latestTime(
  schedule: Schedule,
  { afterMs, now, timeZone }: { afterMs: number; now: number; timeZone: string },
): { readonly time: number; readonly missed: number } | undefined {
  const first = nextTime(schedule, afterMs, timeZone);
  if (first === undefined || first > now) return undefined;
  const second = nextTime(schedule, first, timeZone);
  if (second === undefined || second > now) return { time: first, missed: 1 };
  const missed = Math.floor((now - first) / (second - first)) + 1;
  let time = first;
  // Near the end: a schedule with gaps may have had fewer times than its first two suggest.
  const near = nextTime(schedule, first + Math.max(0, missed - 2) * (second - first) - 1, timeZone);
  for (let next = near !== undefined && near <= now ? near : second; next <= now; ) {
    time = next;
    const later = nextTime(schedule, next, timeZone);
    if (later === undefined) break;
    next = later;
  }
  return { time, missed };
}

/** A moment as RFC 3339 writes it in a time zone. */
export function zonedText(ms: number, timeZone: string): string {
  const offset = offsetMinutes(ms, timeZone);
  const local = new Date(ms + offset * minuteMs).toISOString().slice(0, 19);
  return offset === 0 ? `${local}Z` : `${local}${offsetText(offset)}`;
}

/** "Mon, 02 Jan 2006 15:04:05 +0000" */
export function mailTimeText(ms: number): string {
  return new Date(ms).toUTCString().replace("GMT", "+0000");
}

export const localTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

function isDay(schedule: Extract<Schedule, { sort: "fields" }>, { day, weekday }: Wall): boolean {
  const [ofMonth, ofWeek] = [schedule.daysOfMonth.has(day), schedule.daysOfWeek.has(weekday)];
  return schedule.anyDayOfMonth || schedule.anyDayOfWeek ? ofMonth && ofWeek : ofMonth || ofWeek;
}

/** A day may have 23 or 25 hours. */
function nextMidnight(time: number, { hour, minute }: Wall, wallAt: (ms: number) => Wall): number {
  const guess = time + (24 * 60 - hour * 60 - minute) * minuteMs;
  const there = wallAt(guess);
  const beyond = (there.hour * 60 + there.minute) * minuteMs;
  return there.hour < 12 && wallAt(guess - beyond).day === there.day ? guess - beyond : guess;
}

function wallOf(timeZone: string): (ms: number) => Wall {
  return (ms) => {
    const date = new Date(ms + offsetMinutes(ms, timeZone) * minuteMs);
    return {
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      weekday: date.getUTCDay(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
    };
  };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** @throws {RangeError} when there is no such time zone */
export function offsetMinutes(ms: number, timeZone: string): number {
  if (timeZone === "UTC") return 0;
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
    formats.set(timeZone, format);
  }
  const name = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours, minutes] = /GMT([+-])(\d+):(\d+)/.exec(name) ?? [];
  return (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === "-" ? -1 : 1);
}

function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
