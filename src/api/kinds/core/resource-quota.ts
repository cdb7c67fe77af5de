import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ResourceQuota } from "../../schema/types.ts";
import { validateQuotaList, validateResourceQuotaSpec } from "./resource-quota-rules.ts";

export const resourceQuota = defineKind<ResourceQuota>({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  shortNames: ["quota"],
  scope: "Namespaced",
  trustsOldMetadata: true,
  subresources: { status: true },
  columns: [
    nameColumn,
    { name: "Request", type: "string", cell: (quota) => shownUse(quota, (name) => !name.startsWith("limits.")) },
    { name: "Limit", type: "string", cell: (quota) => shownUse(quota, (name) => name.startsWith("limits.")) },
    ageColumn,
  ],
  deletion: { answersObject: true },

  validate: ({ spec }, root) => validateResourceQuotaSpec(spec ?? {}, root.child("spec")),
  validateUpdate({ spec }, old, root) {
    const [after, before] = [spec?.scopes ?? [], old.spec?.scopes ?? []];
    const same =
      new Set([...after, ...before]).size === new Set(after).size && new Set(after).size === new Set(before).size;
    return same ? [] : [root.child("spec", "scopes").invalid(after, "field is immutable")];
  },
  validateSubresource: (_subresource, { status }, _old, root) => [
    ...validateQuotaList(status?.hard, root.child("status", "hard")),
    ...validateQuotaList(status?.used, root.child("status", "used")),
  ],
});

function shownUse({ status }: ResourceQuota, shows: (name: string) => boolean): string {
  return Object.keys(status?.hard ?? {})
    .sort()
    .filter(shows)
    .map((name) => `${name}: ${status?.used?.[name] ?? "0"}/${status?.hard?.[name]}`)
    .join(", ");
}
