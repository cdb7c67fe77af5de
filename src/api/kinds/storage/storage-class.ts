import { ageColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import { labelWarnings } from "../../label-warnings.ts";
import type { StorageClass, TopologySelectorTerm } from "../../schema/types.ts";
import { validateLabelName } from "../../validate/labels.ts";
import { qualifiedName } from "../../validate/names.ts";
import { validateOneOf } from "../../validate/values.ts";
import { validateParameters } from "./parameters.ts";

const defaultAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
];

export const storageClass = defineKind<StorageClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "StorageClass",
  plural: "storageclasses",
  shortNames: ["sc"],
  scope: "Cluster",
  createOnUpdate: false,
  immutable: ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"],
  deletion: { answersObject: true },
  columns: [
    { name: "Name", type: "string", format: "name", cell: nameText },
    { name: "Provisioner", type: "string", cell: ({ provisioner }) => provisioner },
    { name: "ReclaimPolicy", type: "string", cell: ({ reclaimPolicy }) => reclaimPolicy ?? "Delete" },
    { name: "VolumeBindingMode", type: "string", cell: ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate" },
    { name: "AllowVolumeExpansion", type: "string", cell: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false },
    ageColumn,
  ],

  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, j) =>
        labelWarnings([key], () => `allowedTopologies[${i}].matchLabelExpressions[${j}]`),
      ),
    ),

  defaults(storageClass) {
    storageClass.reclaimPolicy ??= "Delete";
    storageClass.volumeBindingMode ??= "Immediate";
  },

  validate: ({ provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies = [] }, root) => [
    ...validateProvisioner(provisioner ?? "", root.child("provisioner")),
    ...validateParameters(parameters, root.child("parameters")),
    ...validateOneOf(reclaimPolicy, ["Delete", "Retain"], root.child("reclaimPolicy")),
    ...validateOneOf(volumeBindingMode, ["Immediate", "WaitForFirstConsumer"], root.child("volumeBindingMode")),
    ...allowedTopologies.flatMap((term, i) => validateTopology(term, root.child("allowedTopologies").index(i))),
  ],
});

/** Whether claims without a class get this one. */
export function isDefaultClass({ metadata }: StorageClass): boolean {
  return defaultAnnotations.some((annotation) => metadata.annotations?.[annotation] === "true");
}

function nameText(storageClass: StorageClass): string {
  const { name } = storageClass.metadata;
  return isDefaultClass(storageClass) ? `${name} (default)` : name;
}

function validateProvisioner(provisioner: string, at: Path): FieldError[] {
  if (provisioner === "") return [at.required()];
  const lower = provisioner.toLowerCase();
  return qualifiedName(lower).map((wrong) => at.invalid(lower, wrong));
}

function validateTopology({ matchLabelExpressions = [] }: TopologySelectorTerm, at: Path): FieldError[] {
  const seen = new Set<string>();
  return matchLabelExpressions.flatMap(({ key = "", values: given }, i) => {
    const values = given ?? [];
    const place = at.child("matchLabelExpressions").index(i);
    const errors = values.length === 0 ? [place.child("values").required()] : [];
    values.forEach((value, j) => {
      if (values.indexOf(value) < j) errors.push(place.child("values").index(j).duplicate(value));
    });
    errors.push(...validateLabelName(key, place.child("key")));
    if (seen.has(key)) errors.push(place.child("key").duplicate(key));
    seen.add(key);
    return errors;
  });
}
