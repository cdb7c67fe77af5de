import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { PodDisruptionBudget } from "../../schema/types.ts";
import { validateConditions } from "../../validate/conditions.ts";
import { validateLabelSelector } from "../../validate/labels.ts";
import { pathSegment } from "../../validate/names.ts";
import { validateAtMost100Percent, validateIntOrPercent, validateOneOf } from "../../validate/values.ts";
import { validateCounts } from "../apps/workload-rules.ts";

export const podDisruptionBudget = defineKind<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  shortNames: ["pdb"],
  scope: "Namespaced",
  subresources: { status: true },
  generation: true,
  unconditionalUpdate: false,
  validateName: pathSegment,
  columns: [
    nameColumn,
    { name: "Min Available", type: "string", cell: ({ spec }) => amountText(spec?.minAvailable) },
    { name: "Max Unavailable", type: "string", cell: ({ spec }) => amountText(spec?.maxUnavailable) },
    { name: "Allowed Disruptions", type: "integer", cell: ({ status }) => status?.disruptionsAllowed ?? 0 },
    ageColumn,
  ],

  validate({ spec = {} }, root) {
    const at = root.child("spec");
    const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
    const shown = {
      MinAvailable: minAvailable ?? null,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable ?? null,
      UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
    };
    return [
      ...(minAvailable !== undefined && maxUnavailable !== undefined
        ? [at.invalid(shown, "minAvailable and maxUnavailable cannot be both set")]
        : []),
      ...validateIntOrPercent(minAvailable, at.child("minAvailable")),
      ...validateAtMost100Percent(minAvailable, at.child("minAvailable")),
      ...validateIntOrPercent(maxUnavailable, at.child("maxUnavailable")),
      ...validateAtMost100Percent(maxUnavailable, at.child("maxUnavailable")),
      ...validateLabelSelector(selector, at.child("selector")),
      ...(unhealthyPodEvictionPolicy === undefined
        ? []
        : validateOneOf(
            unhealthyPodEvictionPolicy,
            ["AlwaysAllow", "IfHealthyBudget"],
            at.child("unhealthyPodEvictionPolicy"),
          )),
    ];
  },

  validateSubresource: (_subresource, { status }, _old, root) =>
    status
      ? [
          ...validateConditions(status.conditions, root.child("status", "conditions")),
          ...validateCounts(status, root.child("status"), [
            "disruptionsAllowed",
            "currentHealthy",
            "desiredHealthy",
            "expectedPods",
          ]),
        ]
      : [],
});

function amountText(amount: number | string | undefined): string {
  return amount === undefined ? "N/A" : String(amount);
}
