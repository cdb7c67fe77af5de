/**
 * A schema: what a value of an API object may look like. Built-in types (table.ts) and the structural schemas of
 * CustomResourceDefinitions (structural.ts) are both seen as such nodes by decoding, defaulting and patching.
 */
export interface SchemaNode {
  readonly sort: Sort;
  /** The type as Kubernetes' decoder names it in errors: "v1.PodSpec", "int32", "[]string". */
  readonly goType: string;
  /** The fields of an object, by their JSON name. */
  readonly fields: ReadonlyMap<string, Field>;
  /** The items of a list, the values of a map; of an object, the values of fields that `fields` does not name. */
  readonly item: SchemaNode | undefined;
  /** Whether fields that the schema does not name are kept. */
  readonly preserveUnknown: boolean;
  /** Whether null is a value rather than an absence (structural schemas only). */
  readonly nullable: boolean;
  /** Whether the value is itself an object with apiVersion, kind and metadata. */
  readonly embeddedResource: boolean;
  /** Whether server-side apply owns an object or a map as a whole. */
  readonly atomic: boolean;
  /** How server-side apply merges a list. */
  readonly listType: "atomic" | "set" | "map";
  /** What identifies the items of a list of type "map". */
  readonly listKeys: readonly string[];
  /** What identifies the items of a list in a strategic merge patch. */
  readonly mergeKey: string | undefined;
  readonly patchStrategy: readonly ("merge" | "replace" | "retainKeys")[];
}

export type Sort =
  | "object"
  | "map"
  | "list"
  | "string"
  /** base64 in JSON */
  | "bytes"
  | "boolean"
  | "int32"
  | "int64"
  | "double"
  | "quantity"
  | "intOrString"
  | "time"
  | "microTime"
  | "duration"
  | "fieldsV1"
  /** A JSON object of any form. */
  | "raw"
  /** Any JSON value. */
  | "any"
  | "schemaOrList"
  | "schemaOrBoolean"
  | "schemaOrStrings";

export interface Field {
  readonly name: string;
  readonly node: SchemaNode;
  readonly required: boolean;
  /** Whether absent differs from the zero value: zero is written. */
  readonly pointer: boolean;
  /** Whether it is written even when empty. */
  readonly always: boolean;
  /** Whether a zero struct is left out rather than written as {}. */
  readonly omitZero: boolean;
  /** Its number in the protobuf form; 0 where it has none. */
  readonly number: number;
  /** In the protobuf form only: a message that holds fields which JSON writes among the object's own. */
  readonly embedded: boolean;
  /** What the schema puts in when the field is absent; undefined: nothing. */
  readonly default: unknown;
}
