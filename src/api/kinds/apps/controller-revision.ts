import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind, groupVersionFrom } from "../../kind.ts";
import { controllerRef } from "../../object.ts";
import type { ControllerRevision } from "../../schema/types.ts";
import { validateNonNegative } from "../../validate/values.ts";

export const controllerRevision = defineKind<ControllerRevision>({
  group: "apps",
  version: "v1",
  kind: "ControllerRevision",
  plural: "controllerrevisions",
  scope: "Namespaced",
  immutable: ["data"],
  columns: [
    nameColumn,
    { name: "Controller", type: "string", cell: controllerText },
    { name: "Revision", type: "integer", cell: ({ revision }) => revision ?? 0 },
    ageColumn,
  ],

  validate: ({ revision }, at) => validateNonNegative(revision, at.child("revision")),

  validateCreate({ data }, at) {
    if (data === undefined || data === null) return [at.child("data").required("data is mandatory")];
    if (typeof data !== "object" || Array.isArray(data))
      return [at.child("data").required("data must be a valid JSON object")];
    return [];
  },
});

/** "statefulset.apps/web" */
function controllerText(revision: ControllerRevision): string {
  const controller = controllerRef(revision);
  if (!controller) return "<none>";
  const { group } = groupVersionFrom(controller.apiVersion);
  return `${[controller.kind.toLowerCase(), group].filter(Boolean).join(".")}/${controller.name}`;
}
