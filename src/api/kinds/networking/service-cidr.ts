import { defineKind } from "../../kind.ts";
import type { ServiceCIDR } from "../../schema/types.ts";

export const serviceCIDR = defineKind<ServiceCIDR>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
