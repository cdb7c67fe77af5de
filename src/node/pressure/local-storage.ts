import { compareQuantities, formatQuantity, quantityFromUnits, unitsOf } from "../../api/quantity.ts";
import type { Pod } from "../../api/schema/types.ts";

/** What a pod has written to this machine's disk. */
export interface Written {
  /** By volume. */
  readonly emptyDirs: ReadonlyMap<string, number>;
  /** By container: outside of its volumes. */
  readonly containers: ReadonlyMap<string, number>;
}

/** Whether anything limits what a pod may write: only then is it measured. */
export function limitsWriting({ spec }: Pod): boolean {
  return (
    (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit && emptyDir.medium !== "Memory") ||
    spec.containers.some(({ resources }) => resources?.limits?.["ephemeral-storage"])
  );
}

/** Why a pod that wrote too much has to go; undefined when it did not (Kubernetes docs, "Local ephemeral storage"). */
export function overwritten({ spec }: Pod, { emptyDirs, containers }: Written): string | undefined {
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = emptyDir?.medium === "Memory" ? undefined : emptyDir?.sizeLimit;
    if (limit && unitsOf(limit) > 0 && (emptyDirs.get(name) ?? 0) > unitsOf(limit))
      return `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;
  }
  const limits = spec.containers.map(({ name, resources }) => ({
    name,
    limit: resources?.limits?.["ephemeral-storage"],
  }));
  const disk = (spec.volumes ?? []).filter(({ emptyDir }) => emptyDir && emptyDir.medium !== "Memory");
  const inVolumes = disk.reduce((sum, { name }) => sum + (emptyDirs.get(name) ?? 0), 0);
  const inContainers = [...containers.values()].reduce((sum, each) => sum + each, 0);
  const total = limits.reduce((sum, { limit }) => sum + (limit ? unitsOf(limit) : 0), 0);
  if (limits.length > 0 && limits.every(({ limit }) => limit) && inVolumes + inContainers > total) {
    const text = formatQuantity(quantityFromUnits(total, "BinarySI"));
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${text}. `;
  }
  const over = limits.find(
    ({ name, limit }) => limit && compareQuantities(quantityFromUnits(containers.get(name) ?? 0), limit) > 0,
  );
  return over && `Container ${over.name} exceeded its local ephemeral storage limit "${over.limit}". `;
}
