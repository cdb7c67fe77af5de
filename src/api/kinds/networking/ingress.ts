import { defineKind } from "../../kind.ts";
import type { Ingress } from "../../schema/types.ts";

export const ingress = defineKind<Ingress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["ing"],
  scope: "Namespaced",
  subresources: {
    status: true,
  },
});
