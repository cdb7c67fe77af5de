/** Values beside a log sentence: objects by key ("default/web-x7"), times as `tookMs`, errors as they are. */
export type LogValues = Readonly<Record<string, unknown>>;

/** A part's log. The sentence is constant; what varies goes into the values. Never a secret. */
export interface Log {
  debug(sentence: string, values?: LogValues): void;
  info(sentence: string, values?: LogValues): void;
  warn(sentence: string, values?: LogValues): void;
  error(sentence: string, values?: LogValues): void;
  /** The same log with a part's name in front of each line. */
  part(name: string): Log;
}

export type LogLevel = "debug" | "info" | "warn" | "error";
const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export interface LogOptions {
  /** The lowest level that is written; a function where it may change. */
  readonly level: LogLevel | (() => LogLevel);
  readonly write: (line: string) => void;
}

/** A log that writes one line an entry: time, level, part, sentence, key=value pairs. */
export function openLog({ level, write }: LogOptions, name = "skiff"): Log {
  const lowest = () => levels.indexOf(typeof level === "function" ? level() : level);
  const entry =
    (at: LogLevel) =>
    (sentence: string, values: LogValues = {}) => {
      if (levels.indexOf(at) < lowest()) return;
      const pairs = Object.entries(values).map(([key, value]) => ` ${key}=${printable(value)}`);
      write(`${new Date().toISOString()} ${at.toUpperCase().padEnd(5)} ${name}: ${sentence}${pairs.join("")}\n`);
    };
  return {
    debug: entry("debug"),
    info: entry("info"),
    warn: entry("warn"),
    error: entry("error"),
    part: (part) => openLog({ level, write }, part),
  };
}

/** A log that keeps silent, for tests. */
export const noLog: Log = { debug() {}, info() {}, warn() {}, error() {}, part: () => noLog };

/** An error's message with those of its causes, outermost first. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${messageOf(error.cause)}`;
}

function printable(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(messageOf(value));
  if (typeof value === "string") return /^[\w./:@%+-]+$/.test(value) ? value : JSON.stringify(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
