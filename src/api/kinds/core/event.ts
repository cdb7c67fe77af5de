import { since } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { Event } from "../../schema/types.ts";
import { validateStoredEvent } from "./event-rules.ts";

const involved = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

export const event = defineKind<Event>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  scope: "Namespaced",
  createOnUpdate: true,
  // Losing the last minute of events harms nobody; writing each one wears out a card.
  durability: () => "lazy",
  selectable: [
    ...involved.map((field) => `involvedObject.${field}`),
    "reason",
    "reportingComponent",
    { field: "source", value: ({ source, reportingComponent }) => source?.component || reportingComponent || "" },
    "type",
  ],
  columns: [
    { name: "Last Seen", type: "string", cell: lastSeen },
    { name: "Type", type: "string", cell: ({ type }) => type ?? "" },
    { name: "Reason", type: "string", cell: ({ reason }) => reason ?? "" },
    { name: "Object", type: "string", cell: shownObject },
    { name: "Subobject", type: "string", priority: 1, cell: ({ involvedObject }) => involvedObject?.fieldPath ?? "" },
    { name: "Source", type: "string", priority: 1, cell: shownSource },
    { name: "Message", type: "string", cell: ({ message }) => (message ?? "").trim() },
    { name: "First Seen", type: "string", priority: 1, cell: firstSeen },
    {
      name: "Count",
      type: "string",
      priority: 1,
      cell: ({ series, count }) => series?.count ?? (count || 1),
    },
    { name: "Name", type: "string", format: "name", priority: 1, cell: ({ metadata }) => metadata.name },
  ],

  defaults(event) {
    // Who reports is said in one of two ways; field selectors look at either.
    event.source ??= {};
  },
  validate: validateStoredEvent,
});

function firstSeen({ firstTimestamp, eventTime }: Event, now: number): string {
  return since(firstTimestamp || eventTime, now);
}

function lastSeen(event: Event, now: number): string {
  if (event.series) return since(event.series.lastObservedTime, now);
  return event.lastTimestamp ? since(event.lastTimestamp, now) : firstSeen(event, now);
}

function shownObject({ involvedObject: { kind = "", name = "" } = {} }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function shownSource({ source = {}, reportingComponent = "", reportingInstance = "" }: Event): string {
  const component = source.component || reportingComponent;
  const instance = source.host || reportingInstance;
  return instance ? `${component}, ${instance}` : component;
}
