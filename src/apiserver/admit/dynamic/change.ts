import type { AnyObject } from "../../../api/object.ts";
import { partBody } from "../../actions/action.ts";
import { decodeDocument } from "../../negotiate/decode-body.ts";
import { fromStored, toStored } from "../../registry/held.ts";
import { readAs } from "../../registry/patch.ts";
import type { Review } from "../admission.ts";
import type { SeenAs } from "./match.ts";

/** Has `change` make the object of a review anew, in the version in which it is shown; what a type does not know is left out. */
export function changeObject({ call, object }: Review, { as }: SeenAs, change: (shown: AnyObject) => unknown): void {
  if (!object) return;
  const { resource, subresource } = call;
  const options = { ...call.options, fieldValidation: "Ignore" } as const;
  const part = partBody(resource.kind, subresource === undefined ? undefined : resource.kind.subresources[subresource]);
  if (part) {
    const document = { value: change(object), repeated: new Map() };
    const decoding = { encoding: "json", fieldValidation: "Ignore", warn: call.warn } as const;
    replaceContent(object, decodeDocument(document, part, decoding));
    return;
  }
  const target = as ?? resource;
  const isOther = target !== resource;
  const shown = isOther ? fromStored(target, toStored(resource, structuredClone(object))) : object;
  const read = readAs({ ...call, resource: target, options }, change(shown) as AnyObject);
  replaceContent(object, isOther ? fromStored(resource, toStored(target, read)) : read);
}

/** Others hold the object itself: it becomes the new one in place. */
function replaceContent(object: AnyObject, next: AnyObject): void {
  for (const key of Object.keys(object)) if (!(key in next)) delete object[key];
  Object.assign(object, next);
}
