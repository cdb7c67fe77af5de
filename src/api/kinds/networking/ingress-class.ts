import { defineKind } from "../../kind.ts";
import type { IngressClass } from "../../schema/types.ts";

export const ingressClass = defineKind<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  scope: "Cluster",
});
