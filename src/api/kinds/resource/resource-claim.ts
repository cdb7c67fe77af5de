import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind, statusAlone } from "../../kind.ts";
import type { ResourceV1ResourceClaim } from "../../schema/types.ts";
import { setClaimDefaults, shownClaimSpec, validateClaimSpec } from "./claim-spec.ts";
import { validateClaimStatus } from "./claim-status.ts";

export const resourceClaim = defineKind<ResourceV1ResourceClaim>({
  group: "resource.k8s.io",
  version: "v1",
  kind: "ResourceClaim",
  plural: "resourceclaims",
  scope: "Namespaced",
  subresources: { status: statusAlone },
  deletion: { answersObject: true },
  columns: [nameColumn, { name: "State", type: "string", cell: stateText }, ageColumn],
  defaults: ({ spec }) => setClaimDefaults(spec),
  // What is there cannot change: it is not looked at again.
  validateCreate: ({ spec }, root) => validateClaimSpec(spec, root.child("spec")),
  validateUpdate: ({ spec }, old, root) =>
    isDeepStrictEqual(spec, old.spec) ? [] : [root.child("spec").invalid(shownClaimSpec(spec), "field is immutable")],
  validateSubresource: (_subresource, claim, old, root) => validateClaimStatus(claim, old, root.child("status")),
});

/** "deleted,allocated,reserved" */
function stateText({ metadata, status }: ResourceV1ResourceClaim): string {
  const states: string[] = [];
  if (metadata.deletionTimestamp) states.push("deleted");
  if (status?.allocation) states.push("allocated");
  else if (!metadata.deletionTimestamp) states.push("pending");
  if (status?.reservedFor?.length) states.push("reserved");
  return states.join(",");
}
