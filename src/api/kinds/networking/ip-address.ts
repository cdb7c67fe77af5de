import { defineKind } from "../../kind.ts";
import type { IPAddress } from "../../schema/types.ts";

export const ipAddress = defineKind<IPAddress>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IPAddress",
  plural: "ipaddresses",
  shortNames: ["ip"],
  scope: "Cluster",
});
