import { clusterRole } from "../api/kinds/rbac/cluster-role.ts";
import { clusterRoleBinding } from "../api/kinds/rbac/cluster-role-binding.ts";
import { isReason } from "../api/status.ts";
import type { Client } from "../client/client.ts";
import { agentGroup } from "../cluster/join-protocol.ts";

const name = "system:skiff:agent";
const read = ["get", "list", "watch"];

/**
 * What every node may read besides what Kubernetes lets nodes see: the cluster's network is made of it. It is little more than
 * what kube-proxy and a DNS server read (the roles system:node-proxier and system:kube-dns).
 */
export async function ensureAgentRole(client: Client): Promise<void> {
  const rules = [
    { apiGroups: [""], resources: ["nodes", "services", "namespaces"], verbs: read },
    { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
  ];
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
