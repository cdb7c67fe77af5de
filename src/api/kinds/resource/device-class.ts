import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { DeviceClass } from "../../schema/types.ts";
import { qualifiedName } from "../../validate/names.ts";
import { validateSelectors } from "./claim-spec.ts";
import { validateList, validateOpaque } from "./device-parts.ts";

const mostConfigs = 32;

export const deviceClass = defineKind<DeviceClass>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "DeviceClass",
  plural: "deviceclasses",
  scope: "Cluster",
  generation: true,
  deletion: { answersObject: true },
  columns: [nameColumn, ageColumn],
  validate: ({ spec }, root) => [
    ...validateSelectors(spec?.selectors ?? [], root.child("spec", "selectors")),
    ...validateList(spec?.config, root.child("spec", "config"), {
      max: mostConfigs,
      each: ({ opaque }, at) => validateOpaque(opaque, at.child("opaque")),
    }),
    ...validateExtendedResource(spec?.extendedResourceName, root.child("spec", "extendedResourceName")),
  ],
});

/** A resource of somebody's own domain, not one of Kubernetes'. */
function validateExtendedResource(name: string | undefined, at: Path): FieldError[] {
  if (name === undefined) return [];
  const own = name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
  return own && qualifiedName(name).length === 0 ? [] : [at.invalid(name, "must be a valid extended resource name")];
}
