import { isUtf8 } from "node:buffer";
import {
  type Document,
  isNode,
  isScalar,
  parseAllDocuments,
  type Scalar,
  type ScalarTag,
  type Tags,
  visit,
  type YAMLParseError,
} from "yaml";
import { type JsonDocument, NumberText } from "../../api/schema/json.ts";

/** What is wrong with a text that is no YAML, as libyaml words it. */
export class YamlError extends Error {
  override readonly name = "YamlError";
}

const mostAliases = 1000;
// What YAML 1.1 allows in a text; a byte order mark only at its beginning.
const notPrintable = /(?!^\uFEFF)[^\t\n\r -~\u0085\u00A0-\uD7FF\uE000-\uFEFE\uFF00-\uFFFD\u{10000}-\u{10FFFF}]/u;
// Times are plain text to Kubernetes, numbers to the base 60 too, and sets and ordered maps are plain maps and lists.
const unknownTags = ["timestamp", "set", "omap", "pairs"].map((name) => `tag:yaml.org,2002:${name}`);
const binary: ScalarTag = {
  tag: "tag:yaml.org,2002:binary",
  resolve: (text) => Buffer.from(text, "base64").toString(),
};

/** A text as a JSON document. Of several documents only the first is read, as Kubernetes does. @throws {YamlError} */
export function yamlDocument(bytes: Buffer): JsonDocument {
  if (!isUtf8(bytes)) throw new YamlError("invalid leading UTF-8 octet");
  const text = bytes.toString();
  if (notPrintable.test(text)) throw new YamlError("control characters are not allowed");
  try {
    const document = firstDocument(text);
    if (!document) return { value: null, repeated: new Map() };
    const value = plainNumbers(document.toJS({ maxAliasCount: mostAliases }) ?? null, new Set());
    return { value, repeated: new Map(), strictFault: repeatedKeys(document, text) };
  } catch (error) {
    if (error instanceof YamlError) throw error;
    throw new YamlError(faultOf(error));
  }
}

function firstDocument(text: string): Document | undefined {
  const [document] = parseAllDocuments(text, {
    version: "1.1",
    uniqueKeys: false,
    intAsBigInt: true,
    merge: true,
    logLevel: "silent",
    resolveKnownTags: false,
    customTags: kubernetesTags,
  });
  if (!document || !("errors" in document)) return undefined;
  const error = document.errors.find(({ code }) => code === "MULTILINE_IMPLICIT_KEY") ?? document.errors[0];
  if (error) throw new YamlError(syntaxFault(error));
  return document as Document;
}

/** Keys that come twice in a map, as libyaml lists them; of them the last holds. */
function repeatedKeys(document: Document, text: string): string | undefined {
  const faults: { readonly line: number; readonly text: string }[] = [];
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key, value } of items) {
        const name = isScalar(key) ? key.value : undefined;
        if (name === undefined) continue;
        if (seen.has(name)) {
          const offset = (isNode(value) ? value : (key as Scalar)).range?.[0] ?? 0;
          const line = text.slice(0, offset).split("\n").length;
          const shown = typeof name === "string" ? JSON.stringify(name) : String(name);
          faults.push({ line, text: `  line ${line}: key ${shown} already set in map` });
        }
        seen.add(name);
      }
    },
  });
  if (faults.length === 0) return undefined;
  const lines = faults.sort((a, b) => a.line - b.line).map((fault) => fault.text);
  return `yaml: unmarshal errors:\n${lines.join("\n")}`;
}

function kubernetesTags(tags: Tags): Tags {
  const known = tags.filter((tag) => {
    if (typeof tag === "string") return true;
    const isNoJsonNumber = "test" in tag && tag.test?.test(".nan");
    return !unknownTags.includes(tag.tag) && !("format" in tag && tag.format === "TIME") && !isNoJsonNumber;
  });
  return known.map((tag) => (typeof tag !== "string" && tag.tag === binary.tag ? binary : tag));
}

/**
 * The value with its whole numbers as numbers, those that a double does not hold as their text. Changes the value.
 * @throws {YamlError} for an anchor inside what it names, which JSON does not have
 */
function plainNumbers(value: unknown, above: Set<unknown>): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : new NumberText(String(value));
  }
  if (typeof value !== "object" || value === null) return value;
  if (above.has(value)) throw new YamlError("an anchor's value contains itself");
  above.add(value);
  const parts = value as Record<string, unknown>;
  for (const name in parts) {
    const part = parts[name];
    if (typeof part === "bigint" || typeof part === "object") parts[name] = plainNumbers(part, above);
  }
  above.delete(value);
  return value;
}

const noValueHere = "mapping values are not allowed in this context";
const noToken = "found character that cannot start any token";

/** Faults that libyaml finds before it looks at the structure; their lines are counted from one, the others' from zero. */
const scanFaults: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY: noValueHere,
  MULTILINE_IMPLICIT_KEY: noValueHere,
  TAB_AS_INDENT: "found a tab character that violates indentation",
  BAD_SCALAR_START: noToken,
};

/** What libyaml says of a fault, and where; of the first line it says nothing. */
function syntaxFault({ code, message, linePos }: YAMLParseError): string {
  // Of a key of several lines the first is told; the colon is what is wrong.
  const line = (linePos?.[0].line ?? 1) + (code === "MULTILINE_IMPLICIT_KEY" ? 1 : 0);
  const quoted = code === "MISSING_CHAR" && message.includes("quote");
  const scanned = quoted ? "found unexpected end of stream" : scanFaults[code];
  if (scanned) return line > 1 ? `line ${line}: ${scanned}` : scanned;
  const [, end] = /end with an? ([\]}])/.exec(message) ?? [];
  const atKey = message.startsWith("All mapping items") || message.includes("at node end");
  const expected = end ? `',' or '${end}'` : atKey ? "key" : "node content";
  return line > 1 ? `line ${line - 1}: did not find expected ${expected}` : `did not find expected ${expected}`;
}

/** What the reader threw at: anchors and aliases that lead nowhere or everywhere, or collections without end. */
function faultOf(error: unknown): string {
  if (error instanceof RangeError) return "exceeded max depth of 10000";
  const { message } = error as Error;
  const [, anchor] = /^Unresolved alias .*: (.*)$/s.exec(message) ?? [];
  if (anchor !== undefined) return `unknown anchor '${anchor}' referenced`;
  if (message.startsWith("Excessive alias count")) return "document contains excessive aliasing";
  if (message.startsWith("Merge sources")) return "map merge requires map or sequence of maps as the value";
  return "did not find expected node content";
}
