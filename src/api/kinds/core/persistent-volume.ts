import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { PersistentVolume } from "../../schema/types.ts";
import { timeText } from "../../time.ts";
import { validatePersistentVolume, validatePersistentVolumeUpdate } from "./persistent-volume-rules.ts";
import { persistentVolumeWarnings } from "./persistent-volume-warnings.ts";

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

export const persistentVolume = defineKind<PersistentVolume>({
  group: "",
  version: "v1",
  kind: "PersistentVolume",
  plural: "persistentvolumes",
  shortNames: ["pv"],
  scope: "Cluster",
  subresources: { status: true },
  warnings: persistentVolumeWarnings,
  columns: [
    nameColumn,
    { name: "Capacity", type: "string", cell: ({ spec }) => spec?.capacity?.storage ?? "0" },
    { name: "Access Modes", type: "string", cell: ({ spec }) => shownAccessModes(spec?.accessModes) },
    { name: "Reclaim Policy", type: "string", cell: ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? "" },
    {
      name: "Status",
      type: "string",
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? "Terminating" : (status?.phase ?? "")),
    },
    { name: "Claim", type: "string", cell: shownClaim },
    { name: "StorageClass", type: "string", cell: shownClass },
    {
      name: "VolumeAttributesClass",
      type: "string",
      cell: ({ spec }) => spec?.volumeAttributesClassName ?? "<unset>",
    },
    { name: "Reason", type: "string", cell: ({ status }) => status?.reason ?? "" },
    ageColumn,
    { name: "VolumeMode", type: "string", priority: 1, cell: ({ spec }) => spec?.volumeMode ?? "<unset>" },
  ],
  deletion: { answersObject: true },

  defaults(volume) {
    volume.spec ??= {};
    volume.spec.persistentVolumeReclaimPolicy ||= "Retain";
    volume.spec.volumeMode ??= "Filesystem";
  },
  prepareCreate(volume, { now }) {
    volume.status = { phase: "Pending", lastPhaseTransitionTime: timeText(now) };
  },
  prepareSubresource(_subresource, { status }, old, { now }) {
    if (!status) return;
    if (status.phase !== old.status?.phase) {
      if (status.lastPhaseTransitionTime === undefined) status.lastPhaseTransitionTime = timeText(now);
      else if (status.lastPhaseTransitionTime === old.status?.lastPhaseTransitionTime)
        status.lastPhaseTransitionTime = timeText(now);
    } else if (status.lastPhaseTransitionTime === undefined && old.status?.lastPhaseTransitionTime)
      status.lastPhaseTransitionTime = old.status.lastPhaseTransitionTime;
  },
  validate: validatePersistentVolume,
  validateUpdate: validatePersistentVolumeUpdate,
});

/** "RWO,ROX": each once, in the order that people know. */
export function shownAccessModes(modes: readonly string[] | undefined): string {
  return Object.entries(shortModes)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(",");
}

function shownClaim({ spec }: PersistentVolume): string {
  return spec?.claimRef ? `${spec.claimRef.namespace ?? ""}/${spec.claimRef.name ?? ""}` : "";
}

function shownClass({ metadata, spec }: PersistentVolume): string {
  return metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec?.storageClassName ?? "";
}
