import { defineKind } from "../../kind.ts";
import type { Lease } from "../../schema/types.ts";

export const lease = defineKind<Lease>({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  scope: "Namespaced",
});
