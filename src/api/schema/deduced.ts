import type { SchemaNode } from "./node.ts";

/** A value whose type nobody declared: everything is kept, maps merge, lists are replaced. */
export const deducedNode: SchemaNode = {
  sort: "any",
  goType: "interface {}",
  fields: new Map(),
  item: undefined,
  preserveUnknown: true,
  nullable: true,
  embeddedResource: false,
  atomic: false,
  listType: "atomic",
  listKeys: [],
  mergeKey: undefined,
  patchStrategy: [],
};
