import { defineKind } from "../../kind.ts";
import type { EndpointSlice } from "../../schema/types.ts";

export const endpointSlice = defineKind<EndpointSlice>({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  scope: "Namespaced",
});
