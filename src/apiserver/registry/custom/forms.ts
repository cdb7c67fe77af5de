import { apiVersionOf } from "../../../api/kind.ts";
import type { AnyObject } from "../../../api/object.ts";
import { applySchemaDefaults } from "../../../api/schema/defaults.ts";
import { internalError } from "../../../api/status.ts";
import type { Entry } from "../../../store/contract.ts";
import type { Answer } from "../answer.ts";
import { encode, freeze, fromStored, heldObject, toStored } from "../held.ts";
import { sameJson } from "../paths.ts";
import type { Resource } from "../resources.ts";

/*
 * Objects of custom resources lie in the version that was the one for storage when they were written. What another version, or
 * a default that its schema got later, makes of them is made when they are read. Conversions by a webhook take a while: who
 * reads converts first (convertEntries) and reads then.
 */

type Forms = WeakMap<Resource, WeakRef<AnyObject> | AnyObject>;
const forms = new WeakMap<Entry, Forms>();
/** What a client wrote, by what was stored of it, until it is read again. */
const requestForms = new WeakMap<AnyObject, AnyObject>();

export function customObjectIn(resource: Resource, entry: Entry, object: AnyObject): AnyObject {
  const known = forms.get(entry)?.get(resource);
  const there = known instanceof WeakRef ? known.deref() : known;
  if (there) return there;
  const { custom, groupVersion } = resource;
  const isOther = object.apiVersion !== groupVersion;
  if (isOther && custom?.convert) throw internalError(`${object.metadata.name} was read before it was converted`);
  if (!isOther && !custom?.hasDefaults) return object;
  const shown = completed(resource, { ...structuredClone(object), apiVersion: groupVersion });
  const form = isOther || !sameJson(shown, object) ? freeze(shown) : object;
  remember(entry, resource, new WeakRef(form));
  return form;
}

export function customBytesIn(resource: Resource, entry: Entry): Buffer {
  const { custom, typeBytes } = resource;
  const isOfVersion = entry.value.subarray(0, typeBytes.length).equals(typeBytes);
  if (isOfVersion && !custom?.hasDefaults) return entry.value;
  const object = heldObject(entry);
  const form = customObjectIn(resource, entry, object);
  return form === object ? entry.value : encode(form);
}

/** Converts what a webhook has to convert before these entries can be read in a resource's version. */
export async function convertEntries(resource: Resource, entries: readonly Entry[]): Promise<void> {
  const { custom, groupVersion } = resource;
  if (!custom?.convert) return;
  const others = entries.filter(
    (entry) => heldObject(entry).apiVersion !== groupVersion && !forms.get(entry)?.has(resource),
  );
  if (others.length === 0) return;
  const converted = await custom.convert(others.map(heldObject), groupVersion);
  for (const [i, entry] of others.entries()) {
    const object = converted[i];
    if (object) remember(entry, resource, freeze(completed(resource, object)));
  }
}

/** Makes an answer ready to be read. */
export async function convertAnswer(answer: Answer): Promise<Answer> {
  if (answer.sort === "entry") await convertEntries(answer.resource, [answer.entry]);
  if (answer.sort === "list")
    await convertEntries(
      answer.resource,
      answer.items.filter((item) => "modRevision" in item),
    );
  return answer;
}

function completed({ custom }: Resource, object: AnyObject): AnyObject {
  if (custom?.hasDefaults) applySchemaDefaults(object, custom.node);
  return object;
}

function remember(entry: Entry, resource: Resource, form: WeakRef<AnyObject> | AnyObject): void {
  const known: Forms = forms.get(entry) ?? new WeakMap();
  known.set(resource, form);
  forms.set(entry, known);
}

/** An object in the version that is stored; it is given away. */
export async function storedForm(resource: Resource, object: AnyObject): Promise<AnyObject> {
  const stored = apiVersionOf(resource.home);
  const convert = resource.custom?.convert;
  if (!convert || object.apiVersion === stored) return toStored(resource, object);
  const [converted] = await convert([object], stored);
  if (!converted) throw internalError("a conversion webhook returned nothing");
  requestForms.set(converted, object);
  return converted;
}

/** What is stored, in the version of a resource. */
export async function shownForm(resource: Resource, object: AnyObject): Promise<AnyObject> {
  const { custom, groupVersion } = resource;
  if (!custom) return fromStored(resource, object);
  if (object.apiVersion === groupVersion) return object;
  const [converted] = custom.convert ? await custom.convert([object], groupVersion) : [];
  return converted ?? { ...object, apiVersion: groupVersion };
}

/** What lies in an entry, in the version in which it would be stored now; frozen. */
export async function currentForm(resource: Resource, entry: Entry): Promise<AnyObject> {
  const held = heldObject(entry);
  const stored = apiVersionOf(resource.home);
  const { custom } = resource;
  if (!custom || held.apiVersion === stored) return held;
  const [converted] = custom.convert ? await custom.convert([held], stored) : [];
  return freeze(converted ?? { ...held, apiVersion: stored });
}

/** What a client wrote of an object that is about to be stored, where a webhook has converted it. */
export function requestFormOf({ groupVersion }: Resource, object: AnyObject): AnyObject | undefined {
  const form = requestForms.get(object);
  return form?.apiVersion === groupVersion ? form : undefined;
}
