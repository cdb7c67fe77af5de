import type { PodSpec } from "./schema/types.ts";

export type NamedByPod = "configmaps" | "persistentvolumeclaims" | "secrets";

/** An object of the pod's namespace that its volumes and containers name. */
export interface PodReference {
  readonly resource: NamedByPod;
  readonly name: string;
}

/** Where volumes and containers name objects: the field around a name, the field of the name, and what it names. */
const naming: readonly (readonly [around: string, field: string, resource: NamedByPod])[] = [
  ["secret", "secretName", "secrets"],
  ["secret", "name", "secrets"],
  ["secretRef", "name", "secrets"],
  ["secretKeyRef", "name", "secrets"],
  ["nodePublishSecretRef", "name", "secrets"],
  ["azureFile", "secretName", "secrets"],
  ["configMap", "name", "configmaps"],
  ["configMapRef", "name", "configmaps"],
  ["configMapKeyRef", "name", "configmaps"],
  ["persistentVolumeClaim", "claimName", "persistentvolumeclaims"],
];

/** What a pod names: in image pull secrets, volumes and the environment of its containers. */
export function namedByPod(spec: PodSpec): PodReference[] {
  const { containers, initContainers, ephemeralContainers, imagePullSecrets = [], volumes = [] } = spec;
  const found = imagePullSecrets.flatMap(({ name }): PodReference[] => (name ? [{ resource: "secrets", name }] : []));
  collect([volumes, containers, initContainers, ephemeralContainers], found);
  return found;
}

function collect(value: unknown, found: PodReference[]): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, found);
    return;
  }
  for (const [around, inner] of Object.entries(value)) {
    for (const [expected, field, resource] of naming) {
      const name = expected === around ? (inner as Record<string, unknown> | null)?.[field] : undefined;
      if (typeof name === "string" && name) found.push({ resource, name });
    }
    collect(inner, found);
  }
}
