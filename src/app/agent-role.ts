import { clusterRole } from "../api/kinds/rbac/cluster-role.ts";
import { clusterRoleBinding } from "../api/kinds/rbac/cluster-role-binding.ts";
import type { PolicyRule } from "../api/schema/types.ts";
import { isReason } from "../api/status.ts";
import type { Client } from "../client/client.ts";
import { agentGroup } from "../cluster/join-protocol.ts";

const read = ["get", "list", "watch"];
const ofNetwork = [
  { apiGroups: [""], resources: ["nodes", "services", "namespaces"], verbs: read },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
];

/** What a node makes volumes with; admission sees to it that they are its own (apiserver/admit/node-volumes.ts). */
const ofStorage = [
  { apiGroups: [""], resources: ["persistentvolumes"], verbs: [...read, "create", "update", "delete"] },
  { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: read },
  { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: read },
];

export async function ensureAgentRoles(client: Client): Promise<void> {
  await ensureRole("system:skiff:agent", ofNetwork, client);
  await ensureRole("system:skiff:local-storage", ofStorage, client);
}

async function ensureRole(name: string, rules: PolicyRule[], client: Client): Promise<void> {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name };
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: agentGroup }];
  await unlessThere(() => client.create(clusterRole, { metadata: { name }, rules }));
  await unlessThere(() => client.create(clusterRoleBinding, { metadata: { name }, roleRef, subjects }));
}

async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
