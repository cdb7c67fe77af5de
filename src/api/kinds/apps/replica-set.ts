import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ReplicaSet } from "../../schema/types.ts";
import { validateNonNegative } from "../../validate/values.ts";
import { templateColumns } from "./workload.ts";
import {
  podNameWarnings,
  templateWarnings,
  validateCounts,
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

  warnings: (object, old) => [
    ...podNameWarnings(object, old),
    ...templateWarnings(object.spec.template, old?.spec.template),
  ],

  validateSubresource(_subresource, { status }, _old, root) {
    const at = root.child("status");
    if (!status) return [];
    const errors = validateCounts(status, at, [
      "replicas",
      "fullyLabeledReplicas",
      "readyReplicas",
      "availableReplicas",
      "terminatingReplicas",
      "observedGeneration",
    ]);
    const { replicas, fullyLabeledReplicas = 0, readyReplicas = 0, availableReplicas = 0 } = status;
    const tooMany = "cannot be greater than status.replicas";
    if (fullyLabeledReplicas > replicas)
      errors.push(at.child("fullyLabeledReplicas").invalid(fullyLabeledReplicas, tooMany));
    if (readyReplicas > replicas) errors.push(at.child("readyReplicas").invalid(readyReplicas, tooMany));
    if (availableReplicas > replicas) errors.push(at.child("availableReplicas").invalid(availableReplicas, tooMany));
    if (availableReplicas > readyReplicas)
      errors.push(at.child("availableReplicas").invalid(availableReplicas, "cannot be greater than readyReplicas"));
    return errors;
  },
});
