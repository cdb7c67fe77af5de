/** A path and what can be done there, before it is written in either version of OpenAPI. */
export interface PathModel {
  readonly path: string;
  readonly operations: readonly OperationModel[];
}

export type Method = "get" | "put" | "post" | "delete" | "options" | "head" | "patch";

export interface OperationModel {
  readonly method: Method;
  readonly id: string;
  readonly description: string;
  readonly action?: string;
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  /** Their names; what they are is said in parameters.ts. */
  readonly parameters: readonly string[];
  readonly body?: { readonly type: string; readonly required: boolean; readonly isPatch?: boolean };
  /** The type of the answer; undefined: a text. */
  readonly answer?: string | undefined;
  readonly codes: readonly number[];
  /** Whether the answer may be a watch. */
  readonly streams?: boolean;
  /** Of a custom resource: no protobuf, no strategic merge patch. */
  readonly isCustom?: boolean;
  /** The media types, where they are not those of operations on objects. */
  readonly media?: { readonly takes: readonly string[]; readonly gives: readonly string[] };
}

/** All types that operations take or give. */
export function typesOf(paths: readonly PathModel[]): Set<string> {
  const operations = paths.flatMap((path) => path.operations);
  return new Set(operations.flatMap(({ body, answer }) => [body?.type, answer].filter((type) => type !== undefined)));
}
