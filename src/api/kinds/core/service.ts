import { defineKind } from "../../kind.ts";
import { proxyVerbs } from "./proxy-verbs.ts";

export const service = defineKind({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  scope: "Namespaced",
  subresources: {
    proxy: { sort: "action", action: "proxy", verbs: proxyVerbs, kind: "ServiceProxyOptions" },
    status: true,
  },
});
