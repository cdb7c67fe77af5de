import { defineKind } from "../../kind.ts";

export const serviceCIDR = defineKind({
  group: "networking.k8s.io",
  version: "v1",
  kind: "ServiceCIDR",
  plural: "servicecidrs",
  scope: "Cluster",
  subresources: {
    status: true,
  },
});
