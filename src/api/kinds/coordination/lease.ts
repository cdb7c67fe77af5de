import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { Lease } from "../../schema/types.ts";
import { validateNonNegative } from "../../validate/values.ts";

const nodeLeases = "kube-node-lease";

export const lease = defineKind<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  scope: "Namespaced",
  trustsOldMetadata: true,
  createOnUpdate: true,
  unconditionalUpdate: false,
  // Every node renews its Lease every few seconds: on disk that would wear out a card, and a lost renewal harms nobody.
  durability: ({ metadata }, before) => (before && metadata.namespace === nodeLeases ? "memory" : "commit"),
  columns: [nameColumn, { name: "Holder", type: "string", cell: ({ spec }) => spec?.holderIdentity ?? "" }, ageColumn],

  // Coordinated leader election is not on: its fields are dropped as Kubernetes does.
  prepareCreate: dropElection,
  prepareUpdate: dropElection,

  validate({ spec }, root) {
    const at = root.child("spec");
    const seconds = spec?.leaseDurationSeconds;
    return [
      ...(seconds !== undefined && seconds <= 0
        ? [at.child("leaseDurationSeconds").invalid(seconds, "must be greater than 0")]
        : []),
      ...validateNonNegative(spec?.leaseTransitions, at.child("leaseTransitions")),
    ];
  },
});

function dropElection({ spec }: Lease): void {
  if (!spec) return;
  delete spec.strategy;
  delete spec.preferredHolder;
}
