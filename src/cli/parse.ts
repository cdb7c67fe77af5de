import type { Command, Flag, Given, GivenValue } from "./command.ts";
import { UsageError } from "./command.ts";

export interface ParseOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Values from the config file, by flag name; what the command line or the environment gives wins. */
  readonly config?: ReadonlyMap<string, GivenValue>;
}

/**
 * Reads the arguments behind the command's name. Command line wins over environment, environment over config file.
 * @throws {UsageError} naming the argument and what would be right
 */
export function parseArguments(command: Command, args: readonly string[], { env, config }: ParseOptions): Given {
  if (command.passThrough) return { values: new Map(), operands: args };
  const values = new Map<string, GivenValue>(config);
  for (const flag of command.flags) {
    const text = flag.env === undefined ? undefined : env[flag.env];
    if (flag.env && text) values.set(flag.name, { texts: textsOf(flag, text, flag.env), source: flag.env });
  }
  const { seen, operands } = readCommandLine(command, args);
  for (const [name, value] of seen) values.set(name, value);
  if (operands.length > 0 && !command.operands) {
    throw new UsageError(
      `unexpected argument ${JSON.stringify(operands[0])}: \`skiff ${command.name}\` takes flags only, see \`skiff help ${command.name}\``,
    );
  }
  return { values, operands };
}

function readCommandLine(
  command: Command,
  args: readonly string[],
): { seen: Map<string, GivenValue>; operands: string[] } {
  const seen = new Map<string, GivenValue>();
  const operands: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") return { seen, operands: [...operands, ...args.slice(at + 1)] };
    if (!arg.startsWith("-") || arg === "-") {
      operands.push(arg);
      continue;
    }
    const [word = "", inline] = splitOnce(arg, "=");
    const flag = findFlag(command, word);
    const text = flag.value === undefined ? (inline ?? "true") : (inline ?? args[++at]);
    if (text === undefined) throw new UsageError(`${word} needs a value: ${word} ${flag.value}`);
    const texts = textsOf(flag, text, word);
    const before = seen.get(flag.name);
    if (before && !flag.repeatable)
      throw new UsageError(`${word} is given twice (${before.texts[0]}, then ${text}): give it once`);
    seen.set(flag.name, { texts: [...(before?.texts ?? []), ...texts], source: `--${flag.name}` });
  }
  return { seen, operands };
}

function findFlag(command: Command, word: string): Flag {
  const flag = command.flags.find(
    ({ name, short }) => word === `--${name}` || (short !== undefined && word === `-${short}`),
  );
  if (flag) return flag;
  const close = closest(
    word.replace(/^-+/, ""),
    command.flags.map(({ name }) => name),
  );
  throw new UsageError(
    `unknown flag ${word}${close ? `, did you mean --${close}?` : `: \`skiff help ${command.name}\` lists the flags`}`,
  );
}

/** The texts of one occurrence of a flag. */
export function textsOf(flag: Flag, text: string, source: string): string[] {
  if (flag.value === undefined && text !== "true" && text !== "false") {
    throw new UsageError(`${source} is a switch: it takes true or false, not ${JSON.stringify(text)}`);
  }
  return flag.repeatable && !flag.keepsCommas
    ? text
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean)
    : [text];
}

/** The candidate that differs least, when it differs by no more than a slip of the finger or two. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const [best] = candidates
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(1, Math.floor(word.length / 4)) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
