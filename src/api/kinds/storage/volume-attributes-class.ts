import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { VolumeAttributesClass } from "../../schema/types.ts";
import { validateParameters } from "./parameters.ts";
import { validateProvisioner } from "./storage-class.ts";

const protection = "kubernetes.io/vac-protection";

export const volumeAttributesClass = defineKind<VolumeAttributesClass>({
  group: "storage.k8s.io",
  version: "v1",
  kind: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  shortNames: ["vac"],
  scope: "Cluster",
  deletion: { answersObject: true },
  columns: [nameColumn, { name: "DriverName", type: "string", cell: ({ driverName }) => driverName }, ageColumn],

  // A class stays while volumes have it.
  prepareCreate({ metadata }) {
    const finalizers = metadata.finalizers ?? [];
    if (!finalizers.includes(protection)) metadata.finalizers = [...finalizers, protection];
  },

  validateCreate: validateClass,

  validateUpdate: (next, old, root) => [
    ...(["driverName", "parameters"] as const).flatMap((field) =>
      isDeepStrictEqual(next[field], old[field])
        ? []
        : [root.child(field).forbidden(`updates to ${field} are forbidden.`)],
    ),
    ...validateClass(next, root),
  ],
});

function validateClass({ driverName = "", parameters }: VolumeAttributesClass, root: Path): FieldError[] {
  return [
    ...validateProvisioner(driverName, root.child("driverName")),
    ...validateParameters(parameters, root.child("parameters"), { mustBe: true }),
  ];
}
