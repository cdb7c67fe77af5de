import { defineKind } from "../../kind.ts";

export const ipAddress = defineKind({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  scope: "Cluster",
});
