import { termWarnings } from "../../label-warnings.ts";
import type { PersistentVolume, PersistentVolumeSpec } from "../../schema/types.ts";

const outdatedAnnotations = [
  ["volume.beta.kubernetes.io/storage-class", 'deprecated since v1.8; use "storageClassName" attribute instead'],
  ["volume.beta.kubernetes.io/mount-options", 'deprecated since v1.31; use "mountOptions" attribute instead'],
] as const;

/** Sources that are on their way out, under the names by which clients are told of them. */
const outdatedSources: readonly (readonly [source: keyof PersistentVolumeSpec, shown: string, fate: string])[] = [
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
];

export function persistentVolumeWarnings({ metadata, spec = {} }: PersistentVolume): string[] {
  return [
    ...outdatedAnnotations.flatMap(([key, text]) =>
      metadata.annotations?.[key] === undefined ? [] : [`metadata.annotations[${key}]: ${text}`],
    ),
    ...(spec.persistentVolumeReclaimPolicy === "Recycle"
      ? [
          "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
        ]
      : []),
    ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, i) =>
      termWarnings(term, {}, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`),
    ),
    ...outdatedSources.flatMap(([source, shown, fate]) => (spec[source] ? [`spec.${shown}: ${fate}`] : [])),
  ];
}
