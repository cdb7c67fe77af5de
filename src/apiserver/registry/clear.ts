import type { Subresource } from "../../api/kind.ts";
import type { AnyObject } from "../../api/object.ts";
import { copyOf } from "../../api/patch/value.ts";
import { setAt, valueAt } from "./paths.ts";
import type { Resource } from "./resources.ts";

type Part = Extract<Subresource, { sort: "part" }>;

/** The top of an object that only a subresource may write ("status"), if the kind has such a one. */
function reservedFields({ kind }: Resource): string[] {
  return Object.values(kind.subresources).some((sub) => sub.sort === "part" && sub.owns.includes("status"))
    ? ["status"]
    : [];
}

/** A new object without what only subresources may write. */
export function cleared(resource: Resource, object: AnyObject): AnyObject {
  if (resource.home.strategy.statusOnCreate) return object;
  for (const field of reservedFields(resource)) delete object[field];
  return object;
}

/** An object that is to replace `old`, with what only subresources may write as it was. */
export function keptReserved(resource: Resource, object: AnyObject, old: AnyObject): AnyObject {
  for (const field of reservedFields(resource)) {
    if (old[field] === undefined) delete object[field];
    else object[field] = copyOf(old[field]);
  }
  return object;
}

/** What a subresource makes of an object: the old one with the parts that it owns, and metadata but for what it keeps, new. */
export function partOf({ owns, keeps = [] }: Part, object: AnyObject, old: AnyObject): AnyObject {
  const whole: AnyObject = { ...copyOf(old), metadata: object.metadata };
  for (const path of owns) setAt(whole, path, valueAt(object, path));
  for (const path of keeps) setAt(whole, path, copyOf(valueAt(old, path)));
  return whole;
}
