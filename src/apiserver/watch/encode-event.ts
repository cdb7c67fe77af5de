import type { AnyObject } from "../../api/object.ts";
import { frameWatchEvent } from "../../api/schema/protobuf.ts";
import type { Entry, StoreEvent } from "../../store/contract.ts";
import type { Form } from "../negotiate/accept.ts";
import { encoded } from "../negotiate/render.ts";
import { type IncludeObject, metadataOnly, tableOf } from "../negotiate/table.ts";
import { bytesIn, objectIn, unended } from "../registry/held.ts";
import type { Resource } from "../registry/resources.ts";

export type EventType = "ADDED" | "MODIFIED" | "DELETED";

/** What a watcher is shown: an event of the store, as it looks through the watcher's selectors. */
export interface SeenEvent {
  readonly type: EventType;
  readonly event: StoreEvent;
  /** The object left the selection: what is shown is what it was, at the revision at which it left. */
  readonly left: boolean;
}

/** How an event looks through selectors; undefined: not at all (Kubernetes docs, "API concepts", "watch"). */
export function seenThrough(
  event: StoreEvent,
  matches: ((entry: Entry) => boolean) | undefined,
): SeenEvent | undefined {
  const { type, previous } = event;
  if (!matches) {
    if (type === "delete") return { type: "DELETED", event, left: false };
    return { type: previous ? "MODIFIED" : "ADDED", event, left: false };
  }
  const was = previous !== undefined && matches(previous);
  const is = type === "put" && matches(event.entry);
  if (is) return { type: was ? "MODIFIED" : "ADDED", event, left: false };
  return was ? { type: "DELETED", event, left: type === "put" } : undefined;
}

/** What has to be converted before events can be looked at and shown in another version. */
export function entriesOf(events: readonly StoreEvent[]): Entry[] {
  return events.flatMap(({ entry, previous }) => (previous ? [entry, previous] : [entry]));
}

/** The object that a seen event shows; frozen and shared. */
export function objectSeen(resource: Resource, { event, left }: SeenEvent): AnyObject {
  return left && event.previous
    ? atRevision(objectIn(resource, event.previous), event.entry.modRevision)
    : objectIn(resource, event.entry);
}

function atRevision(object: AnyObject, revision: number): AnyObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

export interface EventForm {
  readonly form: Form;
  readonly include: IncludeObject;
  readonly now: number;
}

// By event, then by form: what was encoded for one watcher serves all others. Entries go with the store's events.
const encodedEvents = new WeakMap<StoreEvent, Map<string, Buffer>>();

/** The bytes of an event on the wire. */
export function encodeEvent(resource: Resource, seen: SeenEvent, options: EventForm, isFirst: boolean): Buffer {
  const { form, include } = options;
  const key = `${seen.type} ${seen.left} ${resource.groupVersion} ${form.encoding} ${form.as} ${form.asVersion} ${include} ${form.as === "Table" && isFirst}`;
  const forms = encodedEvents.get(seen.event) ?? new Map<string, Buffer>();
  const known = forms.get(key);
  // The ages in a table grow; the same table does not serve a later watcher.
  if (known && form.as !== "Table") return known;
  const bytes = encodeSeen(resource, seen, options, isFirst);
  forms.set(key, bytes);
  encodedEvents.set(seen.event, forms);
  return bytes;
}

function encodeSeen(resource: Resource, seen: SeenEvent, options: EventForm, isFirst: boolean): Buffer {
  if (!seen.left) return encodeEntryEvent(resource, seen.type, seen.event.entry, options, isFirst);
  return framed(seen.type, shownAs(resource, objectSeen(resource, seen), options, isFirst), options.form);
}

/** The event that shows an entry. */
export function encodeEntryEvent(
  resource: Resource,
  type: EventType,
  entry: Entry,
  options: EventForm,
  isFirst: boolean,
): Buffer {
  const { form } = options;
  if (form.encoding === "json" && !form.as)
    return Buffer.concat([
      Buffer.from(`{"type":"${type}","object":`),
      unended(bytesIn(resource, entry)),
      Buffer.from("}\n"),
    ]);
  return framed(type, shownAs(resource, objectIn(resource, entry), options, isFirst), form);
}

function shownAs(
  resource: Resource,
  object: AnyObject,
  { form, include, now }: EventForm,
  isFirst: boolean,
): AnyObject {
  if (form.as === "Table") {
    const { resourceVersion = "" } = object.metadata;
    return tableOf(
      resource,
      [object],
      { resourceVersion },
      { version: form.asVersion, include, now, withColumns: isFirst },
    );
  }
  return form.as ? metadataOnly(resource, object, form.asVersion) : object;
}

/** A bookmark: everything up to this revision has been sent. */
export function encodeBookmark(
  resource: Resource,
  revision: number,
  options: EventForm,
  { initialEnd, isFirst }: { readonly initialEnd: boolean; readonly isFirst: boolean },
): Buffer {
  const object = {
    kind: resource.kind.kind,
    apiVersion: resource.groupVersion,
    metadata: {
      // A row has a cell for the name that there is none of.
      ...(options.form.as === "Table" && { name: "" }),
      resourceVersion: String(revision),
      ...(initialEnd && { annotations: { "k8s.io/initial-events-end": "true" } }),
    },
  } as unknown as AnyObject;
  return framed("BOOKMARK", shownAs(resource, object, options, isFirst), options.form);
}

export function framed(type: string, object: AnyObject, form: Form): Buffer {
  const bytes = encoded(object, { ...form, pretty: false });
  if (form.encoding === "protobuf") return Buffer.from(frameWatchEvent(type, bytes));
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), unended(bytes), Buffer.from("}\n")]);
}
