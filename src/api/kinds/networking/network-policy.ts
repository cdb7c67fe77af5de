import { defineKind } from "../../kind.ts";
import type { NetworkPolicy } from "../../schema/types.ts";

export const networkPolicy = defineKind<NetworkPolicy>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "NetworkPolicy",
  plural: "networkpolicies",
  shortNames: ["netpol"],
  scope: "Namespaced",
});
