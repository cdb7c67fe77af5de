import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { ReplicationController } from "../../schema/types.ts";
import { selectsAll } from "../../selector.ts";
import { validatePodTemplate } from "../../validate/pod-template.ts";
import { validateNonNegative } from "../../validate/values.ts";
import { shownLabels, templateColumns } from "../apps/workload.ts";
import {
  podNameWarnings,
  templateWarnings,
  validateReplicaCounts,
  validateRunsForever,
} from "../apps/workload-rules.ts";

export const replicationController = defineKind<ReplicationController>({
  group: "",
  version: "v1",
  kind: "ReplicationController",
  plural: "replicationcontrollers",
  shortNames: ["rc"],
  categories: ["all"],
  scope: "Namespaced",
  trustsOldMetadata: true,
  subresources: {
    scale: { specReplicas: "spec.replicas", statusReplicas: "status.replicas", selector: "spec.selector" },
    status: true,
  },
  generation: true,
  selectable: [{ field: "status.replicas", value: ({ status }) => String(status?.replicas ?? 0) }],
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", cell: ({ spec }) => spec?.replicas ?? 0 },
    { name: "Current", type: "integer", cell: ({ status }) => status?.replicas ?? 0 },
    { name: "Ready", type: "integer", cell: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns<ReplicationController>({ template: ({ spec }) => spec?.template ?? {} }),
    { name: "Selector", type: "string", priority: 1, cell: ({ spec }) => shownLabels(spec?.selector) },
  ],
  deletion: { propagation: "orphan", answersObject: true },

  defaults(controller) {
    controller.spec ??= {};
    controller.spec.replicas ??= 1;
    const labels = controller.spec.template?.metadata?.labels;
    if (!labels) return;
    // What it selects and what it is labelled with follow from its pods.
    if (Object.keys(controller.spec.selector ?? {}).length === 0) controller.spec.selector = { ...labels };
    if (Object.keys(controller.metadata.labels ?? {}).length === 0) controller.metadata.labels = { ...labels };
  },

  validate({ spec = {} }, root) {
    const at = root.child("spec");
    const empty = Object.keys(spec.selector ?? {}).length === 0;
    return [
      ...validateNonNegative(spec.minReadySeconds, at.child("minReadySeconds")),
      ...(empty ? [at.child("selector").required()] : []),
      ...validateNonNegative(spec.replicas, at.child("replicas")),
      ...validateTemplate(spec, at.child("template")),
    ];
  },

  warnings: (object, old) => [...podNameWarnings(object, old), ...templateWarnings(object, old, object.spec?.template)],

  validateSubresource: (_subresource, { status }, _old, root) =>
    status
      ? validateReplicaCounts(status, root.child("status"), {
          parts: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
          others: ["observedGeneration"],
          ready: "readyReplicas",
        })
      : [],
});

function validateTemplate(
  { selector = {}, template }: NonNullable<ReplicationController["spec"]>,
  at: Path,
): FieldError[] {
  if (!template) return [at.required()];
  const labels = template.metadata?.labels;
  return [
    ...(selectsAll(selector, labels)
      ? []
      : [at.child("metadata", "labels").invalid(labels, "`selector` does not match template `labels`")]),
    ...validatePodTemplate(template, at),
    ...validateRunsForever(template, { workload: "ReplicationController", at }),
  ];
}
