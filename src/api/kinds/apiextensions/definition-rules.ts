import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JSONSchemaProps,
  SelectableField,
} from "../../schema/types.ts";
import { dnsLabel1035, dnsSubdomain, type TextRule } from "../../validate/names.ts";
import { validateOneOf } from "../../validate/values.ts";
import {
  isCaBundle,
  validateCaBundle,
  validateClientConfig,
  validateReviewVersions,
} from "../admissionregistration/webhook.ts";
import { validateDefinedSchema } from "./definition-schema.ts";
import { fieldFrom } from "./field-path.ts";
import { versionViews } from "./schema-view.ts";

/** What is wrong with the definition of a custom resource, but for its metadata. */

type Definition = CustomResourceDefinition;
type Version = CustomResourceDefinitionVersion;

const approvalAnnotation = "api-approved.kubernetes.io";
const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const maxSelectableFields = 8;
const maxWarningBytes = 256;

export function validateName({ metadata, spec }: Definition, root: Path): FieldError[] {
  if (metadata.name === `${spec.names?.plural ?? ""}.${spec.group ?? ""}`) return [];
  return [root.child("metadata", "name").invalid(metadata.name, 'must be spec.names.plural+"."+spec.group')];
}

/** `old`: what it replaces. */
export function validateDefinition(definition: Definition, root: Path, old?: Definition): FieldError[] {
  const { metadata, spec, status } = definition;
  const at = root.child("spec");
  const versions = spec.versions ?? [];
  const place = at.child("versions");
  const shared = new Set(sharable.filter((field) => areShared(versions, field)));
  const shown = () => versionViews(versions, (field) => shared.has(field as Sharable));
  const names = versions.map(({ name }) => name);
  const hasSchema = shared.has("schema") && versions[0]?.schema?.openAPIV3Schema !== undefined;
  return [
    ...validateGroup(spec.group ?? "", at.child("group")),
    ...(spec.scope
      ? validateOneOf(spec.scope, ["Cluster", "Namespaced"], at.child("scope"))
      : [at.child("scope").required()]),
    ...(hasSchema
      ? []
      : versions.flatMap(({ schema }, i) =>
          schema?.openAPIV3Schema ? [] : [place.index(i).child("schema", "openAPIV3Schema").required()],
        )),
    ...versions.flatMap((version, i) => [
      ...validateJoined(dnsLabel1035, version.name ?? "", place.index(i).child("name")),
      ...validateDeprecation(version, place.index(i).child("deprecationWarning")),
      ...validateParts({ version, definition, old }, place.index(i), ownPlaces, (field) => !shared.has(field)),
    ]),
    ...(new Set(names).size < names.length ? [place.invalid(shown(), "must contain unique version names")] : []),
    ...(versions.filter(({ storage }) => storage).length === 1
      ? []
      : [place.invalid(shown(), "must have exactly one version marked as storage version")]),
    ...(names[0] ? validateJoined(dnsLabel1035, names[0], at.child("version")) : []),
    ...(["plural", "singular", "kind", "listKind"] as const)
      .filter((field) => !spec.names?.[field])
      .map((field) => at.child("names", field).required()),
    ...validateNames(spec.names ?? {}, at.child("names")),
    ...(versions[0]
      ? validateParts({ version: versions[0], definition, old }, at, sharedPlaces, (field) => shared.has(field))
      : []),
    ...validateConversion(definition, old, at.child("conversion")),
    ...validateStoredVersions(status?.storedVersions ?? [], versions, root.child("status", "storedVersions")),
    ...validateApproval({ metadata, spec }, old, root),
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
}

/** What may not change: objects are stored under their kind and scope, served under group and plural. */
export function validateChange({ spec }: Definition, { spec: old, status }: Definition, root: Path): FieldError[] {
  const at = root.child("spec");
  const same = (value: string, before: string, place: Path): FieldError[] =>
    value === before ? [] : [place.invalid(value, "field is immutable")];
  return [
    ...(isEstablished(status)
      ? [
          ...same(spec.scope, old.scope, at.child("scope")),
          ...same(spec.names.kind, old.names.kind, at.child("names", "kind")),
        ]
      : []),
    ...same(spec.group, old.group, at.child("group")),
    ...same(spec.names.plural, old.names.plural, at.child("names", "plural")),
  ];
}

function isEstablished(status: Definition["status"]): boolean {
  return (
    status?.conditions?.some((condition) => condition.type === "Established" && condition.status === "True") ?? false
  );
}

/** Objects may lie in every version that once was the one for storage: each must be served or at least be known. */
function validateStoredVersions(
  storedVersions: readonly string[],
  versions: readonly Version[],
  at: Path,
): FieldError[] {
  if (storedVersions.length === 0) return [at.invalid(null, "must have at least one stored version")];
  return [
    ...versions
      .filter(({ name, storage }) => storage && !storedVersions.includes(name))
      .map(({ name }) => at.invalid(storedVersions, `must have the storage version ${name}`)),
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

function validateDeprecation({ deprecated, deprecationWarning: text }: Version, at: Path): FieldError[] {
  if (text === undefined) return [];
  if (!deprecated) return [at.invalid(text, "can only be set for deprecated versions")];
  const odd = [...text].findIndex((character) => !/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character));
  const before = [...text].slice(0, odd).join("");
  return [
    ...(Buffer.byteLength(text) > maxWarningBytes
      ? [at.invalid(text, `must be <= ${maxWarningBytes} characters long`)]
      : []),
    ...(text === "" ? [at.invalid(text, "must not be an empty string")] : []),
    ...(odd < 0
      ? []
      : [
          at.invalid(
            text,
            `must only contain printable UTF-8 characters; non-printable character found at index ${Buffer.byteLength(before)}`,
          ),
        ]),
  ];
}

export function validateNames(names: Partial<CustomResourceDefinitionNames>, at: Path): FieldError[] {
  const { plural = "", singular = "", kind = "", listKind = "", shortNames = [], categories = [] } = names;
  const label = (text: string, place: Path) => (text ? validateJoined(dnsLabel1035, text, place) : []);
  const kindLike = (text: string, place: Path): FieldError[] => {
    const wrong = text ? dnsLabel1035(text.toLowerCase()) : [];
    if (wrong.length === 0) return [];
    return [place.invalid(text, `may have mixed case, but should otherwise match: ${wrong.join(",")}`)];
  };
  return [
    ...label(plural, at.child("plural")),
    ...label(singular, at.child("singular")),
    ...kindLike(kind, at.child("kind")),
    ...kindLike(listKind, at.child("listKind")),
    ...shortNames.flatMap((name, i) => validateJoined(dnsLabel1035, name, at.child("shortNames").index(i))),
    ...(kind && kind === listKind
      ? [at.child("listKind").invalid(listKind, "kind and listKind may not be the same")]
      : []),
    ...categories.flatMap((name, i) => validateJoined(dnsLabel1035, name, at.child("categories").index(i))),
  ];
}

/*
 * Schemas, subresources, columns and selectable fields. What all versions share is complained about once, under the name
 * that it had when it was said once for all versions.
 */
const sharable = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"] as const;
type Sharable = (typeof sharable)[number];
type Places = Readonly<Record<Sharable, string>>;

const ownPlaces: Places = {
  schema: "schema",
  subresources: "subresources",
  additionalPrinterColumns: "additionalPrinterColumns",
  selectableFields: "selectableFields",
};
const sharedPlaces: Places = { ...ownPlaces, schema: "validation" };

function areShared(versions: readonly Version[], field: Sharable): boolean {
  return versions.every((version) => isDeepStrictEqual(version[field], versions[0]?.[field]));
}

interface Judged {
  readonly version: Version;
  readonly definition: Definition;
  readonly old: Definition | undefined;
}

function validateParts(
  { version, definition, old }: Judged,
  at: Path,
  places: Places,
  isHere: (field: Sharable) => boolean,
): FieldError[] {
  const { schema, subresources, additionalPrinterColumns: columns = [], selectableFields = [] } = version;
  const before = old?.spec.versions.find(({ name }) => name === version.name);
  const isShared = places === sharedPlaces;
  const hasStatus = (isShared ? definition.spec.versions : [version]).some((one) => one.subresources?.status);
  const isStored = before !== undefined && isDeepStrictEqual(before.schema, schema);
  return [
    ...(schema?.openAPIV3Schema && isHere("schema")
      ? validateDefinedSchema(schema.openAPIV3Schema, at.child(places.schema, "openAPIV3Schema"), {
          hasStatus,
          isStored,
        })
      : []),
    ...(isHere("subresources") ? validateSubresources(subresources, at.child(places.subresources)) : []),
    ...(isHere("additionalPrinterColumns")
      ? columns.flatMap((column, i) => validateColumn(column, at.child(places.additionalPrinterColumns).index(i)))
      : []),
    ...(isHere("selectableFields") && selectableFields.length > 0
      ? validateSelectable(selectableFields, at.child(places.selectableFields), {
          schema: isHere("schema") ? schema?.openAPIV3Schema : undefined,
          without: isShared
            ? "may only be set when validations.schema is included"
            : "may only be set when `version.schema.openAPIV3Schema` is not included",
          mayBeTooMany: isDeepStrictEqual(before?.selectableFields, selectableFields),
        })
      : []),
  ];
}

function validateColumn(column: CustomResourceColumnDefinition, at: Path): FieldError[] {
  const { name, type = "", format, jsonPath = "" } = column;
  const one = `must be one of ${columnTypes.join(",")}`;
  return [
    ...(name ? [] : [at.child("name").required()]),
    ...(type === "" ? [at.child("type").required(one)] : []),
    ...(type && !columnTypes.includes(type) ? [at.child("type").invalid(type, one)] : []),
    ...(format && !columnFormats.includes(format)
      ? [at.child("format").invalid(format, `must be one of ${columnFormats.join(",")}`)]
      : []),
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
  if (wrong.length > 0 || parents.some((parent) => path.startsWith(`${parent}.`))) return wrong;
  const under = parents.length > 1 ? `either ${parents.join(" or ")}` : parents.join("");
  return [at.invalid(path, `should be a json path under ${under}`)];
}

interface Selecting {
  readonly schema: JSONSchemaProps | undefined;
  /** What is said when there is no schema. */
  readonly without: string;
  readonly mayBeTooMany: boolean;
}

function validateSelectable(
  fields: readonly SelectableField[],
  at: Path,
  { schema, without, mayBeTooMany }: Selecting,
): FieldError[] {
  if (!schema) return [at.invalid("", without)];
  const known = new Set<string>();
  const errors = fields.flatMap(({ jsonPath = "" }, i) => {
    const place = at.index(i).child("jsonPath");
    if (jsonPath === "") return [place.required()];
    const found = fieldFrom(jsonPath, schema, { keys: false });
    if ("problem" in found) return [place.invalid(jsonPath, `is an invalid path: ${found.problem}`)];
    const path = found.place.toString();
    const isAgain = known.has(path);
    known.add(path);
    return [
      ...(found.root === "metadata" ? [place.invalid(jsonPath, "must not point to fields in metadata")] : []),
      ...(["boolean", "integer", "string"].includes(found.schema.type ?? "")
        ? []
        : [
            place.invalid(
              jsonPath,
              "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
            ),
          ]),
      ...(isAgain ? [place.duplicate(jsonPath)] : []),
    ];
  });
  const isTooMany = known.size > maxSelectableFields && !mayBeTooMany;
  return isTooMany ? [...errors, at.tooMany(known.size, maxSelectableFields)] : errors;
}

function validateConversion({ spec }: Definition, old: Definition | undefined, at: Path): FieldError[] {
  const { strategy, webhook }: CustomResourceConversion = spec.conversion ?? { strategy: "None" };
  const errors = strategy
    ? validateOneOf(strategy, ["None", "Webhook"], at.child("strategy"))
    : [at.child("strategy").required()];
  const client = at.child("webhookClientConfig");
  const versions = at.child("conversionReviewVersions");
  if (strategy !== "Webhook") {
    const unwanted = "should not be set when strategy is not set to Webhook";
    if (webhook?.clientConfig) errors.push(client.forbidden(unwanted));
    if (webhook?.conversionReviewVersions?.length) errors.push(versions.forbidden(unwanted));
    return errors;
  }
  if (!webhook?.clientConfig) errors.push(client.required("required when strategy is set to Webhook"));
  else {
    const { caBundle = "" } = webhook.clientConfig;
    errors.push(...validateClientConfig(webhook.clientConfig, client));
    // Whoever fills it in may do so later, but nobody may break what is in use.
    const mayBeBroken = !isEstablished(old?.status) || hasBrokenBundle(old);
    if (caBundle && !mayBeBroken) errors.push(...validateCaBundle(caBundle, client.child("caBundle")));
  }
  return [...errors, ...validateReviewVersions(webhook?.conversionReviewVersions ?? [], versions, "")];
}

function hasBrokenBundle(definition: Definition | undefined): boolean {
  const { caBundle = "" } = definition?.spec.conversion?.webhook?.clientConfig ?? {};
  return caBundle !== "" && !isCaBundle(caBundle);
}

/** Kubernetes' own groups are for APIs that Kubernetes' people agreed to. What is wrong already may stay so. */
function validateApproval(
  { metadata, spec }: Pick<Definition, "metadata" | "spec">,
  old: Definition | undefined,
  root: Path,
): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? "")) return [];
  const at = root.child("metadata", "annotations").key(approvalAnnotation);
  const approval = metadata.annotations?.[approvalAnnotation] ?? "";
  const state = approvalState(approval);
  if (old && approvalState(old.metadata.annotations?.[approvalAnnotation] ?? "") === state) return [];
  const must = `protected groups must have approval annotation "${approvalAnnotation}"`;
  const see = "see https://github.com/kubernetes/enhancements/pull/1111";
  switch (state) {
    case "missing":
      return [at.required(`${must}, ${see}`)];
    case "invalid":
      return [at.invalid(approval, `${must} with either a URL or a reason starting with "unapproved", ${see}`)];
    default:
      return [];
  }
}

function approvalState(approval: string): "missing" | "bypassed" | "approved" | "invalid" {
  if (approval === "") return "missing";
  if (approval.startsWith("unapproved")) return "bypassed";
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]+/.test(approval) ? "approved" : "invalid";
}
