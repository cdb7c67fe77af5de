import { regexFrom } from "./regex.ts";

/** Why Go does not take a pattern (package regexp/syntax), in its words; undefined: it does. */
export function regexProblem(pattern: string): string | undefined {
  const found = firstProblem(pattern);
  if (found) return `error parsing regexp: ${found.what}: \`${found.where}\``;
  return regexFrom(pattern) ? undefined : `error parsing regexp: invalid or unsupported Perl syntax: \`${pattern}\``;
}

interface Problem {
  readonly what: string;
  readonly where: string;
}

const mostRepeats = 1000;

function firstProblem(pattern: string): Problem | undefined {
  let depth = 0;
  // What stands before: a repetition needs something to repeat, and repeats no repetition.
  let before: { readonly sort: "nothing" | "something" } | { readonly sort: "repetition"; readonly from: number } = {
    sort: "nothing",
  };
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const [repeat] = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(rest) ?? [];
    if (repeat) {
      const problem = repeatProblem(repeat);
      if (problem) return problem;
      if (before.sort === "nothing") return { what: "missing argument to repetition operator", where: repeat };
      if (before.sort === "repetition")
        return { what: "invalid nested repetition operator", where: pattern.slice(before.from, at + repeat.length) };
      before = { sort: "repetition", from: at };
      at += repeat.length;
      continue;
    }
    const step = stepOf(rest);
    if ("what" in step) return step;
    depth += step.depth;
    if (depth < 0) return { what: "unexpected )", where: pattern };
    before = { sort: step.isArgument ? "something" : "nothing" };
    at += step.length;
  }
  return depth > 0 ? { what: "missing closing )", where: pattern } : undefined;
}

function repeatProblem(repeat: string): Problem | undefined {
  const [, least, most] = /^\{(\d+)(?:,(\d*))?\}/.exec(repeat) ?? [];
  if (least === undefined) return undefined;
  const tooMany = Number(least) > mostRepeats || Number(most ?? 0) > mostRepeats;
  const isTurned = most !== undefined && most !== "" && Number(most) < Number(least);
  return tooMany || isTurned ? { what: "invalid repeat count", where: repeat.replace(/\?$/, "") } : undefined;
}

interface Step {
  readonly length: number;
  readonly depth: number;
  /** Whether it can be repeated. */
  readonly isArgument: boolean;
}

function stepOf(rest: string): Step | Problem {
  const [mark] = rest;
  switch (mark) {
    case "\\":
      return escapeStep(rest);
    case "[":
      return classStep(rest);
    case "(":
      return groupStep(rest);
    case ")":
      return { length: 1, depth: -1, isArgument: true };
    case "|":
      return { length: 1, depth: 0, isArgument: false };
    default:
      return { length: 1, depth: 0, isArgument: true };
  }
}

const knownEscape =
  /^\\(?:[AbBCdDsSwWzaftnrv]|[pP](?:\{\^?\w+\}|[A-Z])|x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]+\})|0[0-7]{0,2}|[1-7][0-7]{1,2}|Q[\s\S]*?(?:\\E|$)|E|[^A-Za-z0-9])/u;

function escapeStep(rest: string): Step | Problem {
  if (rest === "\\") return { what: "trailing backslash at end of expression", where: "" };
  const [known] = knownEscape.exec(rest) ?? [];
  if (known) return { length: known.length, depth: 0, isArgument: true };
  const [unicode] = /^\\[pP](?:\{[^}]*\}|.)/.exec(rest) ?? [];
  if (unicode) return { what: "invalid character class range", where: unicode };
  return { what: "invalid escape sequence", where: rest.slice(0, 2) };
}

function groupStep(rest: string): Step | Problem {
  if (!rest.startsWith("(?")) return { length: 1, depth: 1, isArgument: false };
  const [named] = /^\(\?P?<[A-Za-z_]\w*>/.exec(rest) ?? [];
  if (named) return { length: named.length, depth: 1, isArgument: false };
  const [flags, end] = /^\(\?[imsU]*(?:-[imsU]+)?([:)])/.exec(rest) ?? [];
  if (flags) return { length: flags.length, depth: end === ":" ? 1 : 0, isArgument: false };
  const [name] = /^\(\?P?<(?![=!])[^>]*>/.exec(rest) ?? [];
  if (name) return { what: "invalid named capture", where: name };
  const [odd] = /^\(\?(?:<.|[imsU-]*.?)/.exec(rest) ?? [];
  return { what: "invalid or unsupported Perl syntax", where: odd ?? rest };
}

function classStep(rest: string): Step | Problem {
  const open = { what: "missing closing ]", where: rest };
  let at = rest.startsWith("[^") ? 2 : 1;
  let isFirst = true;
  while (isFirst || rest[at] !== "]") {
    isFirst = false;
    const [posix, name = ""] = /^\[:(\^?\w+):\]/.exec(rest.slice(at)) ?? [];
    if (posix) {
      if (!posixNames.has(name.replace("^", ""))) return { what: "invalid character class range", where: posix };
      at += posix.length;
      continue;
    }
    const low = classCharacter(rest, at);
    if (!low) return open;
    if ("what" in low) return low;
    at += low.length;
    if (rest[at] !== "-" || rest[at + 1] === "]" || rest[at + 1] === undefined || !low.code) continue;
    const high = classCharacter(rest, at + 1);
    if (!high) return open;
    if ("what" in high) return high;
    if (high.code && high.code < low.code)
      return { what: "invalid character class range", where: rest.slice(at - low.length, at + 1 + high.length) };
    at += 1 + high.length;
  }
  return { length: at + 1, depth: 0, isArgument: true };
}

const posixNames = new Set(
  "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit".split(" "),
);

/** A character of a class; without a code where it stands for several. */
function classCharacter(
  rest: string,
  at: number,
): { readonly length: number; readonly code?: number | undefined } | Problem | undefined {
  const character = rest[at];
  if (character === undefined) return undefined;
  if (character !== "\\") return { length: 1, code: character.codePointAt(0) };
  const step = escapeStep(rest.slice(at));
  if ("what" in step) return step;
  const mark = rest[at + 1] ?? "";
  return { length: step.length, code: /[A-Za-z0-9]/.test(mark) ? undefined : mark.codePointAt(0) };
}
