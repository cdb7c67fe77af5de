import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ResourceClaimTemplate } from "../../schema/types.ts";
import { validateTemplateMeta } from "../../validate/metadata.ts";
import { setClaimDefaults, shownClaimSpec, validateClaimSpec } from "./claim-spec.ts";

export const resourceClaimTemplate = defineKind<ResourceClaimTemplate>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaimTemplate",
  plural: "resourceclaimtemplates",
  scope: "Namespaced",
  trustsOldMetadata: true,
  deletion: { answersObject: true },
  columns: [nameColumn, ageColumn],
  defaults: ({ spec }) => setClaimDefaults(spec?.spec),
  // What is there cannot change: it is not looked at again.
  validateCreate: ({ spec }, root) => [
    ...validateTemplateMeta(spec?.metadata, root.child("spec", "metadata")),
    ...validateClaimSpec(spec?.spec, root.child("spec", "spec")),
  ],
  validateUpdate: ({ spec }, old, root) =>
    isDeepStrictEqual(spec, old.spec)
      ? []
      : [root.child("spec").invalid({ Spec: shownClaimSpec(spec?.spec) }, "field is immutable")],
});
