import { parseCidr } from "../../../base/ip.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind, statusAlone } from "../../kind.ts";
import type { ServiceCIDR } from "../../schema/types.ts";
import { validateCanonicalCidr } from "../../validate/addresses.ts";

export const serviceCIDR = defineKind<ServiceCIDR>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  scope: "Cluster",
  trustsOldMetadata: true,
  subresources: { status: statusAlone },
  columns: [
    nameColumn,
    { name: "CIDRs", type: "string", cell: ({ spec }) => (spec?.cidrs ?? []).join(",") },
    ageColumn,
  ],

  validateCreate: ({ spec }, root) => validateCidrs(spec?.cidrs ?? [], root.child("spec", "cidrs")),

  // A range never changes; a cluster of one family may be given the other one.
  validateUpdate({ spec }, old, root) {
    const at = root.child("spec", "cidrs");
    return (old.spec?.cidrs ?? []).flatMap((cidr, i) => {
      const now = spec?.cidrs?.[i] ?? "";
      return now === cidr ? [] : [at.index(i).invalid(now, "field is immutable")];
    });
  },
});

function validateCidrs(cidrs: readonly string[], at: Path): FieldError[] {
  if (cidrs.length === 0) return [at.required("at least one CIDR required")];
  if (cidrs.length > 2) return [at.invalid(cidrs, "must only hold up to 2 values")];
  const families = cidrs.map((cidr) => parseCidr(cidr)?.family);
  const errors = cidrs.flatMap((cidr, i) => validateCanonicalCidr(cidr, at.index(i)));
  if (families[0] !== undefined && families[0] === families[1])
    errors.push(
      at.invalid(cidrs, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"),
    );
  return errors;
}
