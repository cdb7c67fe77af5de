import { defineKind } from "../../kind.ts";
import type { Node } from "../../schema/types.ts";
import { proxyVerbs } from "./proxy-verbs.ts";

export const node = defineKind<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  shortNames: ["no"],
  scope: "Cluster",
  subresources: {
    proxy: { sort: "action", action: "proxy", verbs: proxyVerbs, kind: "NodeProxyOptions" },
    status: true,
  },
});
