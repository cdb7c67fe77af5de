import { isDeepStrictEqual } from "node:util";
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
    ...validateTopologies(allowedTopologies, root.child("allowedTopologies")),
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

/** The name of whoever makes volumes: a driver's, in any case. */
export function validateProvisioner(provisioner: string, at: Path): FieldError[] {
  if (provisioner === "") return [at.required()];
  const lower = provisioner.toLowerCase();
  return qualifiedName(lower).map((wrong) => at.invalid(lower, wrong));
}

/** No term may say what another says already; one that says nothing is told as often as there are terms. */
function validateTopologies(terms: readonly TopologySelectorTerm[], at: Path): FieldError[] {
  const meanings = terms.map(({ matchLabelExpressions = [] }) =>
    Object.fromEntries(matchLabelExpressions.map(({ key, values }) => [key, [...new Set(values)].sort()])),
  );
  return terms.flatMap((term, i) => {
    const meaning = meanings[i] ?? {};
    const isNothing = Object.keys(meaning).length === 0;
    const same = meanings.slice(0, i).filter((other) => isDeepStrictEqual(other, meaning)).length;
    const times = same + (isNothing ? terms.length : 0);
    const place = at.index(i);
    return [
      ...validateTopology(term, place),
      ...Array.from({ length: times }, () => place.child("matchLabelExpressions").duplicate("")),
    ];
  });
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
