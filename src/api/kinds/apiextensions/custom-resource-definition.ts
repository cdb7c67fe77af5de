import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { defineKind, statusAlone } from "../../kind.ts";
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  SelectableField,
} from "../../schema/types.ts";
import { dnsLabel1035, dnsSubdomain, type TextRule } from "../../validate/names.ts";
import { validateOneOf } from "../../validate/values.ts";
import { validateClientConfig } from "../admissionregistration/webhook.ts";
import { formatWarnings } from "./format-warnings.ts";
import { schemaAt, validateDefinedSchema } from "./structural-schema.ts";

const approvalAnnotation = "api-approved.kubernetes.io";
const columnTypes = ["boolean", "date", "integer", "number", "string"];
const maxSelectableFields = 8;
const maxWarningLength = 256;

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

  validate({ metadata, spec, status }, root) {
    const at = root.child("spec");
    const stored = root.child("status", "storedVersions");
    return [
      ...(metadata.name === `${spec.names?.plural ?? ""}.${spec.group ?? ""}`
        ? []
        : [root.child("metadata", "name").invalid(metadata.name, 'must be spec.names.plural+"."+spec.group')]),
      ...validateGroup(spec.group ?? "", at.child("group")),
      ...(spec.scope
        ? validateOneOf(spec.scope, ["Cluster", "Namespaced"], at.child("scope"))
        : [at.child("scope").required()]),
      ...validateVersions(spec.versions ?? [], at),
      ...validateNames(spec.names ?? ({} as CustomResourceDefinitionNames), at.child("names")),
      ...validateParts(spec.versions ?? [], at),
      ...validateConversion(spec.conversion ?? { strategy: "None" }, at.child("conversion")),
      ...validateStoredVersions(status?.storedVersions ?? [], spec.versions ?? [], stored),
      ...validateApproval({ metadata, spec }, root),
      ...(spec.preserveUnknownFields
        ? [
            at
              .child("preserveUnknownFields")
              .invalid(
                true,
                "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
              ),
          ]
        : []),
    ];
  },

  validateUpdate(definition, old, root) {
    const established = old.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True");
    const same = (field: "group" | "scope", place = root.child("spec", field)) =>
      definition.spec[field] === old.spec[field] ? [] : [place.invalid(definition.spec[field], "field is immutable")];
    const { plural, kind } = definition.spec.names;
    return [
      ...same("group"),
      ...(plural === old.spec.names.plural
        ? []
        : [root.child("spec", "names", "plural").invalid(plural, "field is immutable")]),
      ...(established ? same("scope") : []),
      ...(established && kind !== old.spec.names.kind
        ? [root.child("spec", "names", "kind").invalid(kind, "field is immutable")]
        : []),
    ];
  },
});

/** The versions that objects were ever stored in: none may be dropped while some are left. */
function rememberStorage({ spec, status }: CustomResourceDefinition): void {
  const storage = spec.versions?.find((version) => version.storage)?.name;
  if (!status || storage === undefined || status.storedVersions?.includes(storage)) return;
  status.storedVersions = [...(status.storedVersions ?? []), storage];
}

/** Objects may lie in every version that once was the one for storage: each must be served or at least be known. */
function validateStoredVersions(
  storedVersions: readonly string[],
  versions: readonly CustomResourceDefinitionVersion[],
  at: Path,
): FieldError[] {
  if (storedVersions.length === 0) return [at.invalid(null, "must have at least one stored version")];
  const storage = versions.findLast((version) => version.storage)?.name;
  return [
    ...storedVersions.flatMap((name, i) =>
      versions.some((version) => version.name === name)
        ? []
        : [
            at
              .index(i)
              .invalid(
                name,
                `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`,
              ),
          ],
    ),
    ...(storage !== undefined && !storedVersions.includes(storage)
      ? [at.invalid(storedVersions, `must have the storage version ${storage}`)]
      : []),
  ];
}

/** Several complaints about one name are one text. */
function validateJoined(rule: TextRule, text: string, at: Path, head = ""): FieldError[] {
  const wrong = rule(text);
  return wrong.length > 0 ? [at.invalid(text, head + wrong.join(","))] : [];
}

function validateGroup(group: string, at: Path): FieldError[] {
  if (group === "") return [at.required()];
  const wrong = validateJoined(dnsSubdomain, group, at);
  if (wrong.length > 0) return wrong;
  return group.includes(".") ? [] : [at.invalid(group, "should be a domain with at least one dot")];
}

function validateVersions(versions: readonly CustomResourceDefinitionVersion[], at: Path): FieldError[] {
  const place = at.child("versions");
  const names = versions.map(({ name }) => name);
  const errors = versions.flatMap((version, i) => [
    ...(version.schema?.openAPIV3Schema ? [] : [place.index(i).child("schema", "openAPIV3Schema").required()]),
    ...validateJoined(dnsLabel1035, version.name ?? "", place.index(i).child("name")),
    ...validateDeprecation(version, place.index(i).child("deprecationWarning")),
  ]);
  if (new Set(names).size < names.length)
    errors.push(place.invalid(shownVersions(versions), "must contain unique version names"));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(place.invalid(shownVersions(versions), "must have exactly one version marked as storage version"));
  if (names[0]) errors.push(...validateJoined(dnsLabel1035, names[0], at.child("version")));
  return errors;
}

function validateDeprecation(
  { deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion,
  at: Path,
): FieldError[] {
  if (text === undefined) return [];
  return [
    ...(deprecated ? [] : [at.invalid(text, "can only be set for deprecated versions")]),
    ...(text === "" ? [at.invalid(text, "must not be an empty string")] : []),
    ...(text.length > maxWarningLength ? [at.tooLong(maxWarningLength)] : []),
  ];
}

/** How errors show versions: what all of them share is shown elsewhere. */
function shownVersions(versions: readonly CustomResourceDefinitionVersion[]): object[] {
  const own = <T>(field: keyof CustomResourceDefinitionVersion, value: T | undefined) =>
    isShared(versions, field) ? null : (value ?? null);
  return versions.map((version) => ({
    Name: version.name,
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: own("schema", version.schema),
    Subresources: own("subresources", version.subresources),
    AdditionalPrinterColumns: own("additionalPrinterColumns", version.additionalPrinterColumns),
    SelectableFields: own("selectableFields", version.selectableFields),
  }));
}

function isShared(
  versions: readonly CustomResourceDefinitionVersion[],
  field: keyof CustomResourceDefinitionVersion,
): boolean {
  return versions.every((version) => isDeepStrictEqual(version[field], versions[0]?.[field]));
}

function validateNames(names: CustomResourceDefinitionNames, at: Path): FieldError[] {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames = [], categories = [] } = names;
  const mixed = "may have mixed case, but should otherwise match: ";
  const label = (text: string, place: Path) => (text ? validateJoined(dnsLabel1035, text, place) : []);
  const kindLike = (text: string, place: Path) =>
    text && dnsLabel1035(text.toLowerCase()).length > 0
      ? [place.invalid(text, mixed + dnsLabel1035(text.toLowerCase()).join(","))]
      : [];
  const required = (["plural", "singular", "kind", "listKind"] as const).filter((field) => !names[field]);
  return [
    ...required.map((field) => at.child(field).required()),
    ...label(plural, at.child("plural")),
    ...label(singular, at.child("singular")),
    ...kindLike(kind, at.child("kind")),
    ...kindLike(listKind, at.child("listKind")),
    ...(listKind && kind === listKind
      ? [at.child("listKind").invalid(listKind, "kind and listKind may not be the same")]
      : []),
    ...shortNames.flatMap((name, i) => validateJoined(dnsLabel1035, name, at.child("shortNames").index(i))),
    ...categories.flatMap((name, i) => validateJoined(dnsLabel1035, name, at.child("categories").index(i))),
  ];
}

/**
 * Schemas, subresources, columns and selectable fields. What all versions share is complained about once, under the
 * name that it had when it was said once for all versions.
 */
function validateParts(versions: readonly CustomResourceDefinitionVersion[], at: Path): FieldError[] {
  const each = <F extends keyof CustomResourceDefinitionVersion>(
    field: F,
    shared: string,
    check: (version: CustomResourceDefinitionVersion, place: Path) => FieldError[],
  ): FieldError[] => {
    if (isShared(versions, field)) return versions[0] ? check(versions[0], at.child(shared)) : [];
    return versions.flatMap((version, i) => check(version, at.child("versions").index(i).child(field)));
  };
  return [
    ...each("schema", "validation", ({ schema }, place) =>
      schema?.openAPIV3Schema ? validateDefinedSchema(schema.openAPIV3Schema, place.child("openAPIV3Schema")) : [],
    ),
    ...each("subresources", "subresources", ({ subresources }, place) => validateSubresources(subresources, place)),
    ...each("additionalPrinterColumns", "additionalPrinterColumns", ({ additionalPrinterColumns = [] }, place) =>
      additionalPrinterColumns.flatMap((column, i) => validateColumn(column, place.index(i))),
    ),
    ...each("selectableFields", "selectableFields", (version, place) => validateSelectable(version, place)),
  ];
}

function validateColumn({ name, type = "", jsonPath = "" }: CustomResourceColumnDefinition, at: Path): FieldError[] {
  const one = `must be one of ${columnTypes.join(",")}`;
  return [
    ...(name ? [] : [at.child("name").required()]),
    ...(type === "" ? [at.child("type").required(one)] : []),
    ...(type && !columnTypes.includes(type) ? [at.child("type").invalid(type, one)] : []),
    ...(jsonPath === "" ? [at.child("JSONPath").required()] : validateSimplePath(jsonPath, at.child("JSONPath"))),
  ];
}

function validateSimplePath(path: string, at: Path): FieldError[] {
  return path.startsWith(".") ? [] : [at.invalid(path, "must be a simple json path starting with .")];
}

function validateSubresources(subresources: CustomResourceSubresources | undefined, at: Path): FieldError[] {
  const scale = subresources?.scale;
  if (!scale) return [];
  const place = at.child("scale");
  return [
    ...validateScalePath(scale.specReplicasPath, [".spec"], place.child("specReplicasPath")),
    ...validateScalePath(scale.statusReplicasPath, [".status"], place.child("statusReplicasPath")),
    ...(scale.labelSelectorPath
      ? validateScalePath(scale.labelSelectorPath, [".spec", ".status"], place.child("labelSelectorPath"))
      : []),
  ];
}

function validateScalePath(path: string | undefined, parents: readonly string[], at: Path): FieldError[] {
  if (!path) return [at.required()];
  const wrong = validateSimplePath(path, at);
  if (wrong.length > 0) return wrong;
  return parents.some((parent) => path.startsWith(`${parent}.`))
    ? []
    : [at.invalid(path, `should be a json path under ${parents.join(" or ")}`)];
}

function validateSelectable(
  {
    selectableFields = [],
    schema,
  }: { selectableFields?: SelectableField[]; schema?: CustomResourceDefinitionVersion["schema"] },
  at: Path,
): FieldError[] {
  if (selectableFields.length > maxSelectableFields) return [at.tooMany(selectableFields.length, maxSelectableFields)];
  const paths = selectableFields.map(({ jsonPath }) => jsonPath);
  return selectableFields.flatMap(({ jsonPath = "" }, i) => {
    const place = at.index(i).child("jsonPath");
    if (jsonPath === "") return [place.required()];
    if (jsonPath.startsWith(".metadata")) return [place.invalid(jsonPath, "must not point to fields in metadata")];
    const found = schema?.openAPIV3Schema ? schemaAt(schema.openAPIV3Schema, jsonPath) : undefined;
    if (!found) return [place.invalid(jsonPath, "is an invalid path: does not refer to a valid field")];
    if (!["boolean", "integer", "string"].includes(found.type ?? ""))
      return [place.invalid(jsonPath, "must point to a field of type boolean, integer or string. Only enum")];
    return paths.indexOf(jsonPath) < i ? [place.duplicate(jsonPath)] : [];
  });
}

function validateConversion({ strategy, webhook }: CustomResourceConversion, at: Path): FieldError[] {
  if (!strategy) return [at.child("strategy").required()];
  const errors = validateOneOf(strategy, ["None", "Webhook"], at.child("strategy"));
  const client = at.child("webhookClientConfig");
  const versions = at.child("conversionReviewVersions");
  if (strategy !== "Webhook") {
    const unwanted = "should not be set when strategy is not set to Webhook";
    if (webhook?.clientConfig) errors.push(client.forbidden(unwanted));
    if (webhook?.conversionReviewVersions?.length) errors.push(versions.forbidden(unwanted));
    return errors;
  }
  if (webhook?.clientConfig) errors.push(...validateClientConfig(webhook.clientConfig, client));
  else errors.push(client.required("required when strategy is set to Webhook"));
  const given = webhook?.conversionReviewVersions ?? [];
  if (given.length === 0) errors.push(versions.required());
  else if (!given.some((version) => version === "v1" || version === "v1beta1"))
    errors.push(versions.invalid(given, "must include at least one of v1, v1beta1"));
  return errors;
}

/** Kubernetes' own groups are for APIs that Kubernetes' people agreed to. */
function validateApproval(
  { metadata, spec }: Pick<CustomResourceDefinition, "metadata" | "spec">,
  root: Path,
): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? "")) return [];
  const at = root.child("metadata", "annotations").key(approvalAnnotation);
  const approval = metadata.annotations?.[approvalAnnotation] ?? "";
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  if (approval === "")
    return [at.required(`protected groups must have approval annotation "${approvalAnnotation}", ${see}`)];
  if (approval.startsWith("unapproved") || /^https?:\/\/[^/]+/.test(approval)) return [];
  return [
    at.invalid(
      approval,
      `protected groups must have approval annotation "${approvalAnnotation}" with either a URL or a reason starting with "unapproved", ${see}`,
    ),
  ];
}
