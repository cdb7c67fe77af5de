/** What the parts that bring claims and volumes together tell each other (Kubernetes docs, "Well-Known Labels, Annotations and Taints"). */
export const bindCompleted = "pv.kubernetes.io/bind-completed";
export const boundByController = "pv.kubernetes.io/bound-by-controller";
/** On a volume: who made it, and so who takes it away. */
export const provisionedBy = "pv.kubernetes.io/provisioned-by";
/** On a claim: where its first pod will run. */
export const selectedNode = "volume.kubernetes.io/selected-node";
/** On a claim: who is to make its volume. */
export const storageProvisioner = "volume.kubernetes.io/storage-provisioner";
export const olderStorageProvisioner = "volume.beta.kubernetes.io/storage-provisioner";
