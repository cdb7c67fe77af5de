import { defineKind } from "../../kind.ts";
import type { Pod } from "../../schema/types.ts";
import { proxyVerbs } from "./proxy-verbs.ts";

export const pod = defineKind<Pod>({
  group: "",
  version: "v1",
  kind: "Pod",
  plural: "pods",
  shortNames: ["po"],
  categories: ["all"],
  scope: "Namespaced",
  selectable: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    { field: "spec.hostNetwork", value: ({ spec }) => String(spec.hostNetwork ?? false) },
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  subresources: {
    attach: { sort: "action", action: "attach", verbs: ["create", "get"], kind: "PodAttachOptions" },
    binding: { sort: "action", action: "binding", verbs: ["create"], kind: "Binding" },
    ephemeralcontainers: { sort: "part", owns: ["spec.ephemeralContainers"], verbs: ["get", "patch", "update"] },
    eviction: {
      sort: "action",
      action: "eviction",
      verbs: ["create"],
      kind: "Eviction",
      group: "policy",
      version: "v1",
    },
    exec: { sort: "action", action: "exec", verbs: ["create", "get"], kind: "PodExecOptions" },
    log: { sort: "action", action: "log", verbs: ["get"], kind: "Pod" },
    portforward: { sort: "action", action: "portforward", verbs: ["create", "get"], kind: "PodPortForwardOptions" },
    proxy: { sort: "action", action: "proxy", verbs: proxyVerbs, kind: "PodProxyOptions" },
    resize: { sort: "part", owns: ["spec.containers", "spec.initContainers"], verbs: ["get", "patch", "update"] },
    status: true,
  },
});
