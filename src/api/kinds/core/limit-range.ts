import { randomUUID } from "node:crypto";
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
  createOnUpdate: true,
  columns: plainColumns,

  defaults({ spec }) {
    for (const limit of spec?.limits ?? []) if (limit.type === "Container") fillIn(limit);
  },
  prepareCreate({ metadata }) {
    metadata.name ||= randomUUID();
  },

  validate: ({ spec }, root) => validateLimits(spec?.limits ?? [], root.child("spec", "limits")),
});

/** What a container gets that says nothing: at most the maximum, and what it gets it also requests. */
function fillIn(limit: LimitRangeItem): void {
  const usual = { ...limit.max, ...limit.default };
  const request = { ...limit.min, ...usual, ...limit.defaultRequest };
  if (Object.keys(usual).length > 0) limit.default = usual;
  if (Object.keys(request).length > 0) limit.defaultRequest = request;
}
