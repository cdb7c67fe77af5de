import { stringify } from "yaml";

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
    }),
  );
}
