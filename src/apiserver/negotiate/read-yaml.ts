import { isUtf8 } from "node:buffer";
import { parseAllDocuments, type ScalarTag, type Tags } from "yaml";
import type { JsonDocument } from "../../api/schema/json.ts";

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
    const value = firstDocument(text);
    refuseCycles(value, new Set());
    return { value, repeated: new Map() };
  } catch (error) {
    if (error instanceof YamlError) throw error;
    throw new YamlError(faultOf(error));
  }
}

function firstDocument(text: string): unknown {
  const [document] = parseAllDocuments(text, {
    version: "1.1",
    uniqueKeys: false,
    merge: true,
    logLevel: "silent",
    resolveKnownTags: false,
    customTags: kubernetesTags,
  });
  if (!document || !("errors" in document)) return null;
  const [error] = document.errors;
  if (error) throw new YamlError(`line ${error.linePos?.[0].line ?? 1}: ${syntaxFault(error.code)}`);
  return document.toJS({ maxAliasCount: mostAliases }) ?? null;
}

function kubernetesTags(tags: Tags): Tags {
  const known = tags.filter((tag) => {
    if (typeof tag === "string") return true;
    const isNoJsonNumber = "test" in tag && tag.test?.test(".nan");
    return !unknownTags.includes(tag.tag) && !("format" in tag && tag.format === "TIME") && !isNoJsonNumber;
  });
  return known.map((tag) => (typeof tag !== "string" && tag.tag === binary.tag ? binary : tag));
}

/** An anchor may stand inside what it names; JSON has no such thing. */
function refuseCycles(value: unknown, above: Set<unknown>): void {
  if (typeof value !== "object" || value === null) return;
  if (above.has(value)) throw new YamlError("an anchor's value contains itself");
  above.add(value);
  for (const part of Object.values(value)) refuseCycles(part, above);
  above.delete(value);
}

function syntaxFault(code: string): string {
  return code === "TAB_AS_INDENT"
    ? "found a tab character that violates indentation"
    : "did not find expected node content";
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
