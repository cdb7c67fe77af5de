import { nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { PodTemplate } from "../../schema/types.ts";
import { validatePodTemplate } from "../../validate/pod-template.ts";
import { shownLabels, templateColumns } from "../apps/workload.ts";
import { templateWarnings } from "../apps/workload-rules.ts";

export const podTemplate = defineKind<PodTemplate>({
  group: "",
  version: "v1",
  kind: "PodTemplate",
  plural: "podtemplates",
  scope: "Namespaced",
  trustsOldMetadata: true,
  generation: true,
  warnings: (object, old) => templateWarnings(object, old, object.template, "template"),
  columns: [
    nameColumn,
    ...templateColumns<PodTemplate>({ template: ({ template }) => template ?? {} }).map((column) => ({
      ...column,
      priority: 0,
    })),
    { name: "Pod Labels", type: "string", cell: ({ template }) => shownLabels(template?.metadata?.labels) },
  ],
  deletion: { answersObject: true },

  validate: ({ template }, root) => validatePodTemplate(template ?? {}, root.child("template")),
});
