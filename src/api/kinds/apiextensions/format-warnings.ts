import { isKnownFormat } from "../../custom-resource/formats.ts";
import type { CustomResourceDefinitionSpec, JSONSchemaProps } from "../../schema/types.ts";

/** A format that nobody knows is kept, and changes nothing: what is said of those that are new. */
export function formatWarnings(
  spec: CustomResourceDefinitionSpec,
  old: CustomResourceDefinitionSpec | undefined,
): string[] {
  const before = old ? unknownFormatsOf(old) : new Set();
  return [...unknownFormatsOf(spec)]
    .filter((format) => !before.has(format))
    .map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unknownFormatsOf({ versions = [] }: CustomResourceDefinitionSpec): Set<string> {
  const found = new Set<string>();
  for (const { schema } of versions) collect(schema?.openAPIV3Schema, found);
  return found;
}

const lists = ["allOf", "anyOf", "oneOf"] as const;
const maps = ["properties", "patternProperties", "definitions"] as const;

function collect(schema: unknown, found: Set<string>): void {
  if (typeof schema !== "object" || schema === null) return;
  const node = schema as JSONSchemaProps;
  if (node.format && !isKnownFormat(node.format)) found.add(node.format);
  for (const item of Array.isArray(node.items) ? node.items : [node.items]) collect(item, found);
  for (const list of lists) for (const part of node[list] ?? []) collect(part, found);
  for (const map of maps) for (const part of Object.values(node[map] ?? {})) collect(part, found);
  collect(node.not, found);
  collect(node.additionalProperties, found);
  collect(node.additionalItems, found);
}
