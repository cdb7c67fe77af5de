import { nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { ComponentCondition, ComponentStatus } from "../../schema/types.ts";

/** Deprecated since v1.19; listed because clients still ask for it. */
export const componentStatus = defineKind<ComponentStatus>({
  group: "",
  version: "v1",
  kind: "ComponentStatus",
  plural: "componentstatuses",
  shortNames: ["cs"],
  scope: "Cluster",
  verbs: ["get", "list"],
  action: "componentstatus",
  columns: [
    nameColumn,
    { name: "Status", type: "string", cell: (component) => healthOf(component) },
    { name: "Message", type: "string", cell: ({ conditions }) => healthy(conditions)?.message ?? "" },
    { name: "Error", type: "string", cell: ({ conditions }) => healthy(conditions)?.error ?? "" },
  ],
});

function healthy(conditions: readonly ComponentCondition[] | undefined): ComponentCondition | undefined {
  return conditions?.find(({ type }) => type === "Healthy");
}

function healthOf({ conditions }: ComponentStatus): string {
  const { status } = healthy(conditions) ?? {};
  return status === "True" ? "Healthy" : status === "False" ? "Unhealthy" : "Unknown";
}
