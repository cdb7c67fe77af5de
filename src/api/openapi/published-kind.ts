import type { Kind } from "../kind.ts";
import type { JSONSchemaProps } from "../schema/types.ts";

/** What the documents need to know of a kind. `schema` is that of a custom resource; absent, the type is in the table. */
export type PublishedKind = Pick<
  Kind,
  "group" | "version" | "kind" | "plural" | "scope" | "verbs" | "subresources" | "type"
> & {
  readonly schema?: JSONSchemaProps | undefined;
  readonly strategy?: { readonly deletion?: { readonly answersObject?: boolean } | undefined };
};

/** The name under which a kind's type is published. */
export function publishedType({ group, version, kind, type, schema }: PublishedKind): string {
  return schema ? `${group.split(".").reverse().join(".")}.${version}.${kind}` : type;
}
