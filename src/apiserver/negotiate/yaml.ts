import { type ScalarTag, stringify, type Tags } from "yaml";

/** An answer as YAML: keys sorted, as Kubernetes writes them. */
export function toYaml(value: unknown): Buffer {
  return Buffer.from(
    stringify(value, {
      sortMapEntries: true,
      // An object may hold the same part twice; Kubernetes writes it out each time.
      aliasDuplicateObjects: false,
      lineWidth: 80,
      defaultStringType: "PLAIN",
      singleQuote: null,
      indentSeq: false,
      version: "1.1",
      customTags: (tags) => tags.map(withoutLonelyDot),
    }),
  );
}

/** A dot alone, a name in managedFields, is no number that would need quotes. */
function withoutLonelyDot(tag: Tags[number]): Tags[number] {
  const { test } = typeof tag === "object" ? (tag as Partial<ScalarTag>) : {};
  return typeof tag === "object" && test?.test(".")
    ? ({ ...tag, test: new RegExp(`(?!^\\.$)(?:${test.source})`) } as ScalarTag)
    : tag;
}
