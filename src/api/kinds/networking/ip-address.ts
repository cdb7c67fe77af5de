import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { goView } from "../../go-view.ts";
import { defineKind } from "../../kind.ts";
import type { IPAddress, ParentReference } from "../../schema/types.ts";
import { canonicalIp } from "../../validate/addresses.ts";
import { dnsSubdomain, pathSegment } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";

export const ipAddress = defineKind<IPAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  scope: "Cluster",
  trustsOldMetadata: true,
  validateName: canonicalIp,
  columns: [
    nameColumn,
    { name: "ParentRef", type: "string", cell: ({ spec }) => parentText(spec?.parentRef) },
    // Kubernetes sends the age in the rows but does not declare its column.
    { ...ageColumn, undeclared: true },
  ],

  validateCreate({ spec }, root) {
    const at = root.child("spec", "parentRef");
    return spec?.parentRef ? validateParent(spec.parentRef, at) : [at.required()];
  },

  validateUpdate({ spec }, old, root) {
    if (isDeepStrictEqual(spec?.parentRef, old.spec?.parentRef)) return [];
    const shown = spec?.parentRef && goView("ParentReference", spec.parentRef);
    return [root.child("spec", "parentRef").invalid(shown, "field is immutable")];
  },
});

/** "services/default/web" */
function parentText(parent: ParentReference | undefined): string {
  if (!parent) return "<none>";
  const { group, resource, namespace, name } = parent;
  return [group, resource, namespace, name].filter(Boolean).join("/");
}

function validateParent({ group, resource = "", namespace, name = "" }: ParentReference, at: Path): FieldError[] {
  return [
    ...(group ? validateText(dnsSubdomain, group, at.child("group")) : []),
    ...(resource ? validateText(pathSegment, resource, at.child("resource")) : [at.child("resource").required()]),
    ...(name ? validateText(pathSegment, name, at.child("name")) : [at.child("name").required()]),
    ...(namespace ? validateText(pathSegment, namespace, at.child("namespace")) : []),
  ];
}
