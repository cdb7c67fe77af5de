import { plainColumns } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { LimitRange, LimitRangeItem } from "../../schema/types.ts";
import { validateLimits } from "./limit-range-rules.ts";

export const limitRange = defineKind<LimitRange>({
  group: "",
  version: "v1",
  kind: "LimitRange",
  plural: "limitranges",
  shortNames: ["limits"],
  scope: "Namespaced",
  columns: plainColumns,

  defaults({ spec }) {
    for (const limit of spec?.limits ?? []) if (limit.type === "Container") fillIn(limit);
  },
  validate: ({ spec }, root) => validateLimits(spec?.limits ?? [], root.child("spec", "limits")),
});

/** What a container gets that says nothing: at most the maximum, and what it gets it also requests. */
function fillIn(limit: LimitRangeItem): void {
  limit.default = { ...limit.max, ...limit.default };
  limit.defaultRequest = { ...limit.min, ...limit.default, ...limit.defaultRequest };
}
