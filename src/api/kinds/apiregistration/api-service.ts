import { defineKind } from "../../kind.ts";
import type { APIService } from "../../schema/types.ts";

export const apiService = defineKind<APIService>({
  group: "apiregistration.k8s.io",
  version: "v1",
  kind: "APIService",
  plural: "apiservices",
  categories: ["api-extensions"],
  scope: "Cluster",
  type: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
  subresources: {
    status: true,
  },
});
