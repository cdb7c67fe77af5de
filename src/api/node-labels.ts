/** Labels in Kubernetes' own namespaces that nodes may say of themselves (Kubernetes docs, "NodeRestriction"). */
const ownLabels = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "node.kubernetes.io/instance-type",
  "beta.kubernetes.io/instance-type",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
]);
const ownNamespaces = ["kubelet.kubernetes.io", "node.kubernetes.io"];
const kubernetesNamespaces = ["kubernetes.io", "k8s.io"];
const restrictedNamespaces = ["node-restriction.kubernetes.io"];

/** Whether a node may give itself this label: others decide about what pods are steered by. */
export function isNodesToSay(key: string): boolean {
  const namespace = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
  const isIn = (names: readonly string[]) => names.some((name) => namespace === name || namespace.endsWith(`.${name}`));
  return !isIn(restrictedNamespaces) && (!isIn(kubernetesNamespaces) || ownLabels.has(key) || isIn(ownNamespaces));
}
