import { type FieldError, invalid, Path } from "../../api/field.ts";
import type { AnyObject } from "../../api/object.ts";
import type { Call } from "../call.ts";
import {
  validateCommonMetadata,
  validateCommonMetadataUpdate,
  validateMetadata,
  validateMetadataUpdate,
} from "./metadata.ts";
import { sameJson, valueAt } from "./paths.ts";
import type { Resource } from "./resources.ts";

const root = new Path();

/** Whose rules hold for what is written through a resource: the stored version's, unless its own version has rules. */
function rulesOf({ kind, home, stored }: Resource): Resource["kind"]["strategy"] {
  return stored && !kind.strategy.validate ? home.strategy : kind.strategy;
}

/** @throws {StatusError} Invalid, with all that is wrong with a new object */
export function refuseInvalidNew(call: Call, object: AnyObject): void {
  const { resource } = call;
  const rules = rulesOf(resource);
  refuse(resource, object, [
    ...validateMetadata(resource, object),
    ...(resource.custom?.validate(object, { warn: call.warn }) ?? []),
    ...(rules.validate?.(object, root) ?? []),
    ...(rules.validateCreate?.(object, root) ?? []),
  ]);
  for (const text of rules.warnings?.(object, undefined) ?? []) call.warn(text);
}

/** @throws {StatusError} Invalid, with all that is wrong with a change */
export function refuseInvalidChange(call: Call, object: AnyObject, old: AnyObject): void {
  const { resource, subresource } = call;
  const rules = rulesOf(resource);
  // Kubernetes looks at metadata for every kind, and each kind does once more: clients are told as often.
  const common = [
    ...validateCommonMetadata(resource, object),
    ...validateCommonMetadataUpdate(object.metadata, old.metadata),
  ];
  const change = validateMetadataUpdate(resource, object.metadata, old.metadata);
  if (subresource)
    refuse(resource, object, [
      ...common,
      ...change,
      ...(resource.custom?.validate(object, { old, subresource, warn: call.warn }) ?? []),
      ...(rules.validateSubresource?.(subresource, object, old, root) ?? []),
    ]);
  else {
    const ofObject = [
      ...(rules.trustsOldMetadata ? [] : validateMetadata(resource, object)),
      ...(resource.custom?.validate(object, { old, subresource, warn: call.warn }) ?? []),
      ...(rules.validate?.(object, root) ?? []),
      ...(rules.judgedTwice === "whole" ? validateMetadata(resource, object) : []),
      ...(rules.judgedTwice ? (rules.validate?.(object, root) ?? []) : []),
    ];
    const ofChange = [
      ...immutableErrors(rules.immutable ?? [], object, old),
      ...(rules.validateUpdate?.(object, old, root) ?? []),
    ];
    const specific = rules.changesFirst ? [...ofChange, ...ofObject] : [...ofObject, ...ofChange];
    refuse(resource, object, [...common, ...change, ...specific]);
  }
  const warnings = subresource ? rules.subresourceWarnings?.(subresource, object) : rules.warnings?.(object, old);
  for (const text of warnings ?? []) call.warn(text);
}

function immutableErrors(paths: readonly string[], object: AnyObject, old: AnyObject): FieldError[] {
  return paths
    .filter((path) => !sameJson(valueAt(object, path), valueAt(old, path)))
    .map((path) => root.child(path).invalid(valueAt(object, path), "field is immutable"));
}

function refuse({ home }: Resource, object: AnyObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(home, object.metadata.name ?? "", errors);
}
