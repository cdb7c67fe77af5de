import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { Node } from "../../schema/types.ts";
import { networkWarnings } from "../../validate/addresses.ts";
import { validateNode, validateNodeUpdate } from "./node-rules.ts";
import { proxyVerbs } from "./proxy-verbs.ts";

const roleLabel = "node-role.kubernetes.io/";

export const node = defineKind<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  shortNames: ["no"],
  scope: "Cluster",
  statusOnCreate: true,
  subresources: {
    proxy: { sort: "action", action: "proxy", verbs: proxyVerbs, kind: "NodeProxyOptions" },
    status: true,
  },
  warnings: ({ spec }) => [
    ...(spec?.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
    ...(spec?.podCIDRs ?? []).flatMap((cidr, i) => networkWarnings(cidr, `spec.podCIDRs[${i}]`)),
  ],
  selectable: [{ field: "spec.unschedulable", value: ({ spec }) => String(spec?.unschedulable ?? false) }],
  columns: [
    nameColumn,
    { name: "Status", type: "string", cell: shownStatus },
    { name: "Roles", type: "string", cell: shownRoles },
    ageColumn,
    { name: "Version", type: "string", cell: ({ status }) => status?.nodeInfo?.kubeletVersion ?? "" },
    { name: "Internal-IP", type: "string", priority: 1, cell: (node) => addressOf(node, "InternalIP") },
    { name: "External-IP", type: "string", priority: 1, cell: (node) => addressOf(node, "ExternalIP") },
    { name: "OS-Image", type: "string", priority: 1, cell: ({ status }) => status?.nodeInfo?.osImage || "<unknown>" },
    { name: "Kernel-Version", type: "string", priority: 1, cell: shownKernel },
    {
      name: "Container-Runtime",
      type: "string",
      priority: 1,
      cell: ({ status }) => status?.nodeInfo?.containerRuntimeVersion || "<unknown>",
    },
  ],

  defaults({ status }) {
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  },
  prepareSubresource(_subresource, node, old) {
    if (old.status?.config === undefined) delete node.status?.config;
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  validateSubresource: (_subresource, node, old, root) => validateNodeUpdate(node, old, root),
});

function shownStatus({ spec, status }: Node): string {
  const ready = (status?.conditions ?? []).find(({ type }) => type === "Ready");
  const texts = [ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown"];
  if (spec?.unschedulable) texts.push("SchedulingDisabled");
  return texts.join(",");
}

function shownRoles({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(roleLabel) && key.length > roleLabel.length) roles.add(key.slice(roleLabel.length));
    else if (key === "kubernetes.io/role" && value) roles.add(value);
  }
  return [...roles].sort().join(",") || "<none>";
}

function addressOf({ status }: Node, wanted: string): string {
  return (status?.addresses ?? []).find(({ type }) => type === wanted)?.address ?? "<none>";
}

function shownKernel({ status }: Node): string {
  const { kernelVersion, architecture } = status?.nodeInfo ?? {};
  if (!kernelVersion) return "<unknown>";
  return architecture ? `${kernelVersion} (${architecture})` : kernelVersion;
}
