import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { Service, ServicePort } from "../../schema/types.ts";
import { addressWarnings } from "../../validate/addresses.ts";
import { dnsLabel } from "../../validate/names.ts";
import { shownLabels } from "../apps/workload.ts";
import { proxyVerbs } from "./proxy-verbs.ts";
import { dropWhatTheTypeLacks, isExternallyAccessible, keepAllocated, normalizeClusterIps } from "./service-changes.ts";
import { validateLoadBalancerStatus, validateService, validateServiceUpdate } from "./service-rules.ts";
import { serviceWarnings } from "./service-warnings.ts";

/** How long a client stays with the same pod. */
const affinitySeconds = 10_800;

export const service = defineKind<Service>({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  scope: "Namespaced",
  createOnUpdate: true,
  subresources: {
    proxy: { sort: "action", action: "proxy", verbs: proxyVerbs, kind: "ServiceProxyOptions" },
    status: true,
  },
  validateName: dnsLabel,
  selectable: ["spec.clusterIP", "spec.type"],
  columns: [
    nameColumn,
    { name: "Type", type: "string", cell: ({ spec }) => spec.type ?? "" },
    { name: "Cluster-IP", type: "string", cell: ({ spec }) => spec.clusterIPs?.[0] || "<none>" },
    { name: "External-IP", type: "string", cell: shownExternalIp },
    { name: "Port(s)", type: "string", cell: ({ spec }) => (spec.ports ?? []).map(shownPort).join(",") || "<none>" },
    ageColumn,
    { name: "Selector", type: "string", priority: 1, cell: ({ spec }) => shownLabels(spec.selector) },
  ],
  deletion: { answersObject: true },

  defaults({ spec, status }) {
    if (!spec) return;
    spec.sessionAffinity ||= "None";
    if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
    if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined)
      spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinitySeconds } };
    spec.type ||= "ClusterIP";
    if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ||= "Cluster";
    if (["NodePort", "LoadBalancer", "ClusterIP"].includes(spec.type)) spec.internalTrafficPolicy ??= "Cluster";
    if (spec.type !== "LoadBalancer") return;
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= "VIP";
  },

  prepareCreate: ({ spec }) => normalizeClusterIps(spec, undefined),
  prepareUpdate(service, old) {
    const { spec } = service;
    keepAllocated(spec, old.spec);
    normalizeClusterIps(spec, old.spec);
    dropWhatTheTypeLacks(spec, old.spec);
    const isBalanced = spec.type === "LoadBalancer";
    if (!isBalanced && old.spec.type === "LoadBalancer") service.status = { ...service.status, loadBalancer: {} };
  },

  validate: validateService,
  changesFirst: true,
  validateUpdate: validateServiceUpdate,
  validateSubresource: (_subresource, service, _old, root) =>
    validateLoadBalancerStatus(service, root.child("status", "loadBalancer", "ingress")),
  warnings: serviceWarnings,
  subresourceWarnings: (_subresource, { status }) =>
    (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = "" }, i) =>
      addressWarnings(ip, `status.loadBalancer.ingress[${i}].ip`),
    ),
});

function shownExternalIp({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ExternalName":
      return spec.externalName ?? "";
    case "LoadBalancer": {
      const given = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
      const unique = [...new Set(given)].sort().join(",");
      const all = [unique, ...external].filter(Boolean);
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    default:
      return external.join(",") || "<none>";
  }
}

function shownPort({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}
