import { parseAllDocuments } from "yaml";
import type { AnyObject } from "../../api/object.ts";

/** What a manifest file asks for, in the order in which it can be made. @throws Error that says what is wrong, and where */
export function objectsIn(text: string): readonly AnyObject[] {
  const objects: AnyObject[] = [];
  for (const document of parseAllDocuments(text, { schema: "core" })) {
    const [error] = document.errors;
    if (error) throw new Error(error.message.split("\n")[0] ?? "it is no YAML");
    collect(document.toJS(), objects);
  }
  return objects.sort((a, b) => rank(a) - rank(b));
}

function collect(value: unknown, into: AnyObject[]): void {
  if (value === null || value === undefined) return;
  const object = value as Partial<AnyObject> & { items?: unknown };
  if (typeof value !== "object" || typeof object.apiVersion !== "string" || typeof object.kind !== "string")
    throw new Error("every document needs apiVersion and kind");
  if (Array.isArray(object.items) && object.kind.endsWith("List")) {
    for (const item of object.items) collect(item, into);
    return;
  }
  if (typeof object.metadata?.name !== "string") throw new Error(`${object.kind}: metadata.name is missing`);
  into.push(object as AnyObject);
}

/** What others stand in or are defined by comes first. */
const early = ["Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass", "ServiceAccount"];

function rank({ kind }: AnyObject): number {
  const at = early.indexOf(kind);
  return at < 0 ? early.length : at;
}
