import { ageColumn, nameColumn } from "../../columns.ts";
import { defineKind } from "../../kind.ts";
import type { PersistentVolumeClaim } from "../../schema/types.ts";
import { validateClaimSpec } from "../../validate/claims.ts";
import { claimSpecWarnings } from "./claim-warnings.ts";
import { shownAccessModes } from "./persistent-volume.ts";
import { validateClaimStatus, validateClaimUpdate } from "./persistent-volume-claim-rules.ts";

/** In which the class was named before there was a field for it. */
const classAnnotation = "volume.beta.kubernetes.io/storage-class";

export const persistentVolumeClaim = defineKind<PersistentVolumeClaim>({
  group: "",
  version: "v1",
  kind: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  shortNames: ["pvc"],
  scope: "Namespaced",
  subresources: { status: true },
  columns: [
    nameColumn,
    {
      name: "Status",
      type: "string",
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? "Terminating" : (status?.phase ?? "")),
    },
    { name: "Volume", type: "string", cell: ({ spec }) => spec.volumeName ?? "" },
    {
      name: "Capacity",
      type: "string",
      cell: ({ spec, status }) => (spec.volumeName ? (status?.capacity?.storage ?? "0") : ""),
    },
    {
      name: "Access Modes",
      type: "string",
      cell: ({ spec, status }) => (spec.volumeName ? shownAccessModes(status?.accessModes) : ""),
    },
    { name: "StorageClass", type: "string", cell: shownClass },
    {
      name: "VolumeAttributesClass",
      type: "string",
      cell: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>",
    },
    ageColumn,
    { name: "VolumeMode", type: "string", priority: 1, cell: ({ spec }) => spec.volumeMode ?? "<unset>" },
  ],
  deletion: { answersObject: true },

  prepareCreate(claim) {
    claim.status = { phase: "Pending" };
    alignSources(claim);
  },
  prepareUpdate: alignSources,
  firstUpdateWrites: () => true,
  warnings: ({ metadata, spec }) => [
    ...(metadata.annotations?.[classAnnotation] === undefined
      ? []
      : [`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`]),
    ...claimSpecWarnings(spec, "spec"),
  ],
  validate: ({ spec }, root) => validateClaimSpec(spec, root.child("spec")),
  validateUpdate: validateClaimUpdate,
  validateSubresource: (_subresource, claim, _old, root) => validateClaimStatus(claim, root.child("status")),
});

/** What the volume begins with is said in two fields, the older of which knows only claims and snapshots. */
function alignSources({ spec }: PersistentVolumeClaim): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !isClaimOrSnapshot(dataSource)) delete spec.dataSource;
  if (spec.dataSource && !dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (dataSourceRef && !dataSourceRef.namespace && !dataSource && isClaimOrSnapshot(dataSourceRef)) {
    const { apiGroup, kind, name } = dataSourceRef;
    spec.dataSource = { ...(apiGroup !== undefined && { apiGroup }), kind, name };
  }
}

function isClaimOrSnapshot({ apiGroup, kind }: { apiGroup?: string | null; kind: string }): boolean {
  if (!apiGroup) return kind === "PersistentVolumeClaim";
  return apiGroup === "snapshot.storage.k8s.io" && kind === "VolumeSnapshot";
}

function shownClass({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[classAnnotation] ?? spec.storageClassName ?? "";
}
