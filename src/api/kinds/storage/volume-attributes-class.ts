import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { VolumeAttributesClass } from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { validateParameters } from "./parameters.ts";

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

  validate: ({ driverName = "", parameters }, root) => [
    ...(driverName
      ? validateText(dnsSubdomain, driverName.toLowerCase(), root.child("driverName"))
      : [root.child("driverName").required()]),
    ...validateParameters(parameters, root.child("parameters"), { mustBe: true }),
  ],

  validateUpdate: (next, old, root) =>
    (["driverName", "parameters"] as const).flatMap((field) =>
      isDeepStrictEqual(next[field], old[field])
        ? []
        : [root.child(field).forbidden(`updates to ${field} are forbidden.`)],
    ),
});
