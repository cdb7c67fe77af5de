import { defineKind } from "../../kind.ts";
import { labelWarnings, requirementWarnings } from "../../label-warnings.ts";
import type { CSIStorageCapacity } from "../../schema/types.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateNonNegativeQuantity, validateText } from "../../validate/values.ts";

export const csiStorageCapacity = defineKind<CSIStorageCapacity>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  scope: "Namespaced",
  unconditionalUpdate: false,
  immutable: ["nodeTopology", "storageClassName"],

  warnings: ({ nodeTopology }) => [
    ...(nodeTopology?.matchExpressions ?? []).flatMap(({ key }, i) =>
      requirementWarnings(key, `nodeTopology.matchExpressions[${i}].key`),
    ),
    ...labelWarnings(Object.keys(nodeTopology?.matchLabels ?? {}), (label) => `nodeTopology.matchLabels.${label}`),
  ],

  validate: ({ storageClassName = "", nodeTopology, capacity }, root) => [
    ...validateLabelSelector(nodeTopology, root.child("nodeTopology")),
    ...validateText(dnsSubdomain, storageClassName, root.child("storageClassName")),
    ...validateNonNegativeQuantity(capacity, root.child("capacity")),
  ],
});
