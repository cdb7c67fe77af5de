/*
 * YAML as Kubernetes' own emitter writes it: keys in natural order, lists not indented, texts in the plainest style that
 * reads back as a text, lines folded at the first space after column 80. YAML libraries choose other styles, and clients
 * compare (`kubectl get -o yaml` asks for JSON, but `curl` and golden files do not).
 */
const foldAfter = 80;

/** An answer as YAML. */
export function toYaml(value: unknown): Buffer {
  const out = new Lines();
  if (isCollection(value)) writeBlock(out, value, 0);
  else writeScalar(out, value, 2);
  out.put("\n");
  return Buffer.from(out.text.replace(/^\n/, ""));
}

/** Text with the column that it has come to. */
class Lines {
  text = "";
  column = 0;

  put(text: string): void {
    this.text += text;
    const last = text.lastIndexOf("\n");
    this.column = last < 0 ? this.column + text.length : text.length - last - 1;
  }

  newLine(indent: number): void {
    if (this.text === "") return;
    this.put(`\n${" ".repeat(indent)}`);
  }
}

type Collection = readonly unknown[] | Readonly<Record<string, unknown>>;

function isCollection(value: unknown): value is Collection {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

/** The entries of a map or list, each on a line of its own; the first goes on where the text is (after a dash). */
function writeBlock(out: Lines, value: Collection, indent: number): void {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      if (i > 0) out.newLine(indent);
      out.put("- ");
      if (isCollection(item)) writeBlock(out, item, indent + 2);
      else writeScalar(out, item, indent + 2);
    }
    return;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => naturalOrder(a, b));
  for (const [i, [key, item]] of entries.entries()) {
    if (i > 0) out.newLine(indent);
    writeText(out, key, { indent, isKey: true });
    out.put(":");
    if (!isCollection(item)) {
      out.put(" ");
      writeScalar(out, item, indent + 2);
      continue;
    }
    const inner = Array.isArray(item) ? indent : indent + 2;
    out.newLine(inner);
    writeBlock(out, item, inner);
  }
}

function writeScalar(out: Lines, value: unknown, indent: number): void {
  if (typeof value === "string") writeText(out, value, { indent, isKey: false });
  else if (Array.isArray(value)) out.put("[]");
  else if (typeof value === "object" && value !== null) out.put("{}");
  else out.put(String(value ?? null));
}

// ---- texts

interface Place {
  /** Of lines that follow the first. */
  readonly indent: number;
  /** Keys are never folded. */
  readonly isKey: boolean;
}

function writeText(out: Lines, text: string, place: Place): void {
  const { plain, single, block } = stylesOf(text);
  if (text.includes("\n") && block && !place.isKey) writeLiteral(out, text, place);
  else if (text.includes("\n") || looksLikeOther(text)) writeDouble(out, text, place);
  else if (plain) writeFolded(out, text, place);
  else if (!single) writeDouble(out, text, place);
  else {
    out.put("'");
    writeFolded(out, text.replaceAll("'", "''"), place);
    out.put("'");
  }
}

const indicators = /^(?:[#,[\]{}&*!|>'"%@`]|---|\.\.\.|[?:-](?:\s|$))|:(?:\s|$)|\s#/;
// YAML's printable characters that need no escape; a line break is not among them.
const unprintable = /[^\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

function stylesOf(text: string): { readonly plain: boolean; readonly single: boolean; readonly block: boolean } {
  const isPrintable = !unprintable.test(text) && !/ [\n\x85\u2028\u2029]/.test(text);
  const atEnds = /^[ \n]|[ \n]$/.test(text);
  return {
    plain: isPrintable && !atEnds && !text.includes("\n") && !indicators.test(text),
    single: isPrintable && !/[\n] /.test(text),
    block: isPrintable && !/ $/.test(text),
  };
}

const words = new Set(
  ["y", "yes", "on", "true", "n", "no", "off", "false", "null", ".nan", ".inf", "+.inf", "-.inf"].flatMap((word) => [
    word,
    word.toUpperCase(),
    word.charAt(0).toUpperCase() + word.slice(1),
    word.replace("inf", "Inf").replace("nan", "NaN"),
  ]),
);
const whole = /^[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)$/;
const fraction = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const sexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
const time = /^\d{4}-\d\d?-\d\d?(?:[Tt ]\d\d?:\d\d?:\d\d?(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)?)?$/;

/** Whether a text would be read as something else than a text, were it not quoted. */
function looksLikeOther(text: string): boolean {
  if (text === "" || text === "~" || words.has(text) || sexagesimal.test(text) || time.test(text)) return true;
  if (!/^[-+.\d]/.test(text)) return false;
  const number = text.replaceAll("_", "");
  return whole.test(number) || fraction.test(number);
}

function writeFolded(out: Lines, text: string, { indent, isKey }: Place): void {
  for (let i = 0; i < text.length; i++) {
    const isAlone = text[i] === " " && text[i - 1] !== " " && text[i + 1] !== " " && i > 0 && i < text.length - 1;
    if (isAlone && !isKey && out.column > foldAfter) out.newLine(indent);
    else out.put(text.charAt(i));
  }
}

const escapes: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\x85": "\\N",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

function writeDouble(out: Lines, text: string, { indent, isKey }: Place): void {
  out.put('"');
  const characters = [...text];
  for (const [i, character] of characters.entries()) {
    const mayFold = character === " " && characters[i - 1] !== " " && i > 0 && i < characters.length - 1;
    if (mayFold && !isKey && out.column > foldAfter) {
      out.newLine(indent);
      if (characters[i + 1] === " ") out.put("\\");
    } else out.put(escapes[character] ?? (unprintable.test(character) ? escaped(character) : character));
  }
  out.put('"');
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = (digits: number): string => code.toString(16).toUpperCase().padStart(digits, "0");
  if (code <= 0xff) return `\\x${hex(2)}`;
  return code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

function writeLiteral(out: Lines, text: string, { indent }: Place): void {
  const chomping = !text.endsWith("\n") ? "-" : text === "\n" || text.endsWith("\n\n") ? "+" : "";
  out.put(`|${/^[ \n]/.test(text) ? "2" : ""}${chomping}`);
  const lines = text.endsWith("\n") ? text.slice(0, -1).split("\n") : text.split("\n");
  for (const line of lines) {
    if (line === "") out.put("\n");
    else out.newLine(indent);
    out.put(line);
  }
}

// ---- keys

const isLetter = (text: string): boolean => /\p{L}/u.test(text);
const isDigit = (text: string | undefined): boolean => text !== undefined && /\d/.test(text);

/** Letters after other characters, digits as the numbers they make. */
function naturalOrder(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [left, right] = [a.charAt(i), b.charAt(i)];
    if (left === right) continue;
    const [letterLeft, letterRight] = [isLetter(left), isLetter(right)];
    if (letterLeft && letterRight) return left < right ? -1 : 1;
    // After digits a letter comes first: a number that goes on is larger.
    if (letterLeft || letterRight) return letterLeft === isDigit(a[i - 1]) ? -1 : 1;
    const [numberLeft, numberRight] = [numberAt(a, i), numberAt(b, i)];
    if (numberLeft !== numberRight) return numberLeft - numberRight;
    return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

function numberAt(text: string, at: number): number {
  return Number(/^\d*/.exec(text.slice(at))?.[0] || 0);
}
