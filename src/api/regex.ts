/**
 * Patterns as Go reads them (RE2's syntax), as JavaScript's regular expressions: names of classes, flags and anchors differ.
 */

const posixClasses: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7F",
  blank: "\\t ",
  cntrl: "\\x00-\\x1F\\x7F",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

const known = new Map<string, RegExp | undefined>();
const mostKnown = 1000;

/** The compiled pattern; undefined where it is none. */
export function regexFrom(pattern: string): RegExp | undefined {
  if (!known.has(pattern)) {
    if (known.size >= mostKnown) known.clear();
    known.set(pattern, compiled(pattern));
  }
  return known.get(pattern);
}

function compiled(pattern: string): RegExp | undefined {
  const [whole = "", anchor = "", flags = ""] = /^(\^?)\(\?([imsU]+)\)/.exec(pattern) ?? [];
  const body = translated(anchor + pattern.slice(whole.length));
  if (body === undefined) return undefined;
  try {
    return new RegExp(body, `u${flags.replace("U", "")}`);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** RE2 has neither references to groups nor looks ahead or behind: such a pattern is none. */
function translated(pattern: string): string | undefined {
  let made = "";
  let inClass = false;
  // Behind \w and its like a dash is a dash, which JavaScript wants to be told.
  let isBehindSet = false;
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const [whole, text] = inClass ? classPart(rest, isBehindSet) : outsidePart(rest);
    if (text === undefined) return undefined;
    isBehindSet = inClass && startsWithSet(rest);
    if (!inClass && rest.startsWith("[")) inClass = true;
    else if (inClass && rest.startsWith("]")) inClass = false;
    made += text;
    at += whole;
  }
  return inClass ? undefined : made;
}

type Part = readonly [length: number, text: string | undefined];

function startsWithSet(rest: string): boolean {
  return /^(?:\\[dDsSwWpP]|\[:)/.test(rest);
}

function classPart(rest: string, isBehindSet: boolean): Part {
  if (rest.startsWith("-") && (isBehindSet || startsWithSet(rest.slice(1)))) return [1, "\\-"];
  const [posix, not, name = ""] = /^\[:(\^?)(\w+):\]/.exec(rest) ?? [];
  if (posix) return [posix.length, not ? undefined : posixClasses[name]];
  if (rest.startsWith("\\")) return escapePart(rest);
  if (rest.startsWith("[")) return [1, "\\["];
  return [1, rest[0]];
}

function outsidePart(rest: string): Part {
  // Outside of classes a dash is nothing special, and JavaScript refuses to have it escaped.
  if (rest.startsWith("\\-")) return [2, "-"];
  if (rest.startsWith("\\")) return escapePart(rest);
  // A bracket that comes first in a class is one of its characters.
  const [open] = /^\[\^?\]?/.exec(rest) ?? [];
  if (open) return [open.length, open.endsWith("]") ? `${open.slice(0, -1)}\\]` : open];
  if (/^\(\?(=|!|<=|<!)/.test(rest)) return [3, undefined];
  if (rest.startsWith("(?P<")) return [4, "(?<"];
  const [, flags] = /^\(\?([ims-]+):/.exec(rest) ?? [];
  if (flags) return [flags.length + 3, `(?${flags}:`];
  if (rest.startsWith("]")) return [1, "\\]"];
  if (rest.startsWith("}")) return [1, "\\}"];
  const [repeat] = /^\{\d+(,\d*)?\}/.exec(rest) ?? [];
  if (repeat) return [repeat.length, repeat];
  if (rest.startsWith("{")) return [1, "\\{"];
  return [1, rest[0]];
}

const kept = /^\\(?:[dDsSwWbBtnrfv]|x[0-9A-Fa-f]{2}|[.*+?()|[\]{}^$\\/-])/;

function escapePart(rest: string): Part {
  const [same] = kept.exec(rest) ?? [];
  if (same) return [same.length, same];
  const [unicode, sign, short, long] = /^\\([pP])(?:(\w)|\{\^?(\w+)\})/.exec(rest) ?? [];
  if (unicode) return [unicode.length, `\\${sign}{${unicodeName(short ?? long ?? "")}}`];
  const [code, digits] = /^\\x\{([0-9A-Fa-f]+)\}/.exec(rest) ?? [];
  if (code) return [code.length, `\\u{${digits}}`];
  if (rest.startsWith("\\A")) return [2, "(?-m:^)"];
  if (rest.startsWith("\\z")) return [2, "(?-m:$)"];
  if (rest.startsWith("\\a")) return [2, "\\x07"];
  const mark = rest[1];
  // Of other marks the stroke takes nothing away; letters and digits would mean something else.
  return mark === undefined || /[A-Za-z0-9]/.test(mark) ? [2, undefined] : [2, mark];
}

function unicodeName(name: string): string {
  return name.length > 2 ? `Script=${name}` : name;
}
