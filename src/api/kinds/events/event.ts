import { columnsThrough } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { KubeObject } from "../../object.ts";
import type { Event, EventsV1Event } from "../../schema/types.ts";
import { qualifiedName } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { event } from "../core/event.ts";

const maxTextLength = 128;
const maxNoteLength = 1024;

/** What the two groups call the same fields. */
const names: readonly (readonly [here: string, stored: string])[] = [
  ["regarding", "involvedObject"],
  ["note", "message"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
  ["reportingController", "reportingComponent"],
];
const toStored = new Map(names);
const fromStored = new Map(names.map(([here, stored]) => [stored, here]));

/** Events as events.k8s.io spells them: the same objects as the core group's. */
export const eventsEvent = defineKind<EventsV1Event>({
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
  createOnUpdate: true,
  stored: {
    group: "",
    version: "v1",
    to: (object) => renamed(object, toStored),
    from: (object) => renamed(object, fromStored),
  },
  selectable: [
    "reason",
    "type",
    "reportingController",
    ...["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map(
      (field) => `regarding.${field}`,
    ),
  ],
  columns: columnsThrough<EventsV1Event, Event>(event.columns, (object) => renamed({ ...object }, toStored) as never),
  immutable: [
    "involvedObject",
    "reason",
    // Kubernetes finds a changed reason twice.
    "reason",
    "message",
    "source",
    "firstTimestamp",
    "lastTimestamp",
    "count",
    "reportingComponent",
    "reportingInstance",
    "action",
    "related",
    "type",
  ],

  // Rules speak of events as they are stored.
  validate: (object: KubeObject, root) => validateEvent(object as Event, root),
});

function renamed(object: object, to: ReadonlyMap<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([field, value]) => [to.get(field) ?? field, value]));
}

function validateEvent(event: Event, root: Path): FieldError[] {
  return [
    ...(event.eventTime ? validateReport(event, root) : []),
    ...validateSeries(event, root.child("series")),
    ...(event.eventTime ? [] : [root.child("eventTime").required()]),
    ...(event.type === "Normal" || event.type === "Warning"
      ? []
      : [root.child("type").invalid("", `has invalid value: ${event.type ?? ""}`)]),
    ...(["firstTimestamp", "lastTimestamp", "count"] as const).flatMap((field) =>
      event[field] ? [root.child(field).invalid("", "needs to be unset")] : [],
    ),
    ...(event.source?.component || event.source?.host ? [root.child("source").invalid("", "needs to be unset")] : []),
  ];
}

/** Who reports what it did, and why. */
function validateReport(event: Event, root: Path): FieldError[] {
  const { reportingComponent: controller = "", reportingInstance: instance = "", action = "", reason = "" } = event;
  const place = root.child("reportingController");
  return [
    ...(controller ? [] : [place.required()]),
    ...validateText(qualifiedName, controller, place),
    ...validateFilled(instance, root.child("reportingInstance")),
    ...validateFilled(action, root.child("action")),
    ...validateFilled(reason, root.child("reason")),
    ...((event.message?.length ?? 0) > maxNoteLength
      ? [root.child("message").invalid("", `can have at most ${maxNoteLength} characters`)]
      : []),
  ];
}

function validateFilled(text: string, at: Path): FieldError[] {
  if (text === "") return [at.required()];
  return text.length > maxTextLength ? [at.invalid("", `can have at most ${maxTextLength} characters`)] : [];
}

function validateSeries({ series }: Event, at: Path): FieldError[] {
  if (!series) return [];
  return [
    ...((series.count ?? 0) < 2 ? [at.child("count").invalid("", "should be at least 2")] : []),
    ...(series.lastObservedTime ? [] : [at.child("lastObservedTime").required()]),
  ];
}
