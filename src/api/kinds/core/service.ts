import { defineKind } from "../../kind.ts";
import type { Service } from "../../schema/types.ts";
import { proxyVerbs } from "./proxy-verbs.ts";

export const service = defineKind<Service>({
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
