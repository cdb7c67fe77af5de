import { defineKind, statusAlone } from "../../kind.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionStatus } from "../../schema/types.ts";
import { validateChange, validateDefinition, validateName, validateNames } from "./definition-rules.ts";
import { formatWarnings } from "./format-warnings.ts";

export const customResourceDefinition = defineKind<CustomResourceDefinition>({
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  scope: "Cluster",
  type: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
  subresources: { status: statusAlone },
  generation: true,
  unconditionalUpdate: false,
  trustsOldMetadata: true,
  deletion: {
    begin(definition) {
      const { status = {}, metadata } = definition;
      const conditions = (status.conditions ?? []).filter(({ type }) => type !== "Terminating");
      const leaving = {
        type: "Terminating",
        status: "True",
        lastTransitionTime: metadata.deletionTimestamp ?? null,
        reason: "InstanceDeletionPending",
        message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
      };
      definition.status = { ...status, conditions: [...conditions, leaving] } as CustomResourceDefinitionStatus;
    },
  },

  defaults({ spec }) {
    const { names } = spec;
    if (names && !names.singular) names.singular = names.kind?.toLowerCase() ?? "";
    if (names && !names.listKind && names.kind) names.listKind = `${names.kind}List`;
    spec.conversion ??= { strategy: "None" };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service) service.port ??= 443;
    if (spec.preserveUnknownFields === false) delete spec.preserveUnknownFields;
  },

  prepareCreate(definition) {
    definition.status = { acceptedNames: { plural: "", kind: "" } };
    rememberStorage(definition);
  },

  prepareUpdate: rememberStorage,

  warnings: ({ spec }, old) => formatWarnings(spec, old?.spec),

  validateCreate: (definition, root) => [...validateName(definition, root), ...validateDefinition(definition, root)],

  validateUpdate: (definition, old, root) => [
    ...validateDefinition(definition, root, old),
    ...validateChange(definition, old, root),
  ],

  validateSubresource: (_, { status }, __, root) =>
    status?.acceptedNames ? validateNames(status.acceptedNames, root.child("status", "acceptedNames")) : [],
});

/** The versions that objects were ever stored in: none may be dropped while some are left. */
function rememberStorage({ spec, status }: CustomResourceDefinition): void {
  const storage = spec.versions?.find((version) => version.storage)?.name;
  if (!status || storage === undefined || status.storedVersions?.includes(storage)) return;
  status.storedVersions = [...(status.storedVersions ?? []), storage];
}
