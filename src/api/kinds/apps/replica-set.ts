import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ReplicaSet } from "../../schema/types.ts";
import { validateNonNegative } from "../../validate/values.ts";
import { templateColumns } from "./workload.ts";
import {
  podNameWarnings,
  templateWarnings,
  validateReplicaCounts,
  validateReplicatedTemplate,
  validateWorkloadSelector,
} from "./workload-rules.ts";

export const replicaSet = defineKind<ReplicaSet>({
  group: "apps",
  version: "v1",
  kind: "ReplicaSet",
  plural: "replicasets",
  shortNames: ["rs"],
  categories: ["all"],
  scope: "Namespaced",
  trustsOldMetadata: true,
  subresources: {
    status: true,
    scale: { specReplicas: "spec.replicas", statusReplicas: "status.replicas", selector: "spec.selector" },
  },
  generation: true,
  immutable: ["spec.selector"],
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", cell: ({ spec }) => spec.replicas ?? 0 },
    { name: "Current", type: "integer", cell: ({ status }) => status?.replicas ?? 0 },
    { name: "Ready", type: "integer", cell: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns<ReplicaSet>({
      template: ({ spec }) => spec.template ?? {},
      selector: ({ spec }) => spec.selector,
    }),
  ],

  defaults(replicaSet) {
    replicaSet.spec.replicas ??= 1;
  },

  validate({ spec }, root) {
    const at = root.child("spec");
    return [
      ...validateNonNegative(spec.replicas, at.child("replicas")),
      ...validateNonNegative(spec.minReadySeconds, at.child("minReadySeconds")),
      ...validateWorkloadSelector(spec.selector, { workload: "deployment", at: at.child("selector") }),
      ...validateReplicatedTemplate(spec, at),
    ];
  },

  warnings: (object, old) => [...podNameWarnings(object, old), ...templateWarnings(object, old, object.spec.template)],

  validateSubresource: (_subresource, { status }, _old, root) =>
    status
      ? validateReplicaCounts(status, root.child("status"), {
          parts: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
          others: ["observedGeneration", "terminatingReplicas"],
          ready: "readyReplicas",
        })
      : [],
});
