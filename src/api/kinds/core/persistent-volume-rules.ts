import { normalize } from "node:path/posix";
import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { goDiff, goView } from "../../go-view.ts";
import { signOf, unitsOf } from "../../quantity.ts";
import type {
  CSIPersistentVolumeSource,
  PersistentVolume,
  PersistentVolumeSpec,
  SecretReference,
} from "../../schema/types.ts";
import { validateNodeSelector } from "../../validate/affinity.ts";
import { validateAccessModes, volumeModes } from "../../validate/claims.ts";
import { dnsLabel, dnsSubdomain } from "../../validate/names.ts";
import { validateNoBacksteps } from "../../validate/paths.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";
import { required, validateOneSource } from "../../validate/volume-sources.ts";
import { validateCsiDriverName, validateHostPath } from "../../validate/volumes.ts";

/** The sources, in the order in which a second one is found. */
const sourceNames = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "flocker",
  "nfs",
  "rbd",
  "quobyte",
  "cephfs",
  "iscsi",
  "cinder",
  "fc",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "scaleIO",
  "local",
  "storageos",
  "csi",
] as const;
type SourceName = (typeof sourceNames)[number];

export function validatePersistentVolume({ metadata, spec = {} }: PersistentVolume, root: Path): FieldError[] {
  const at = root.child("spec");
  const { persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName, volumeMode } = spec;
  const errors = [
    ...validateModes(spec, at.child("accessModes")),
    ...validateCapacity(spec.capacity, at.child("capacity")),
    ...(policy
      ? validateOneOf(policy, ["Delete", "Recycle", "Retain"], at.child("persistentVolumeReclaimPolicy"))
      : []),
  ];
  if (nodeAffinity) {
    const place = at.child("nodeAffinity", "required");
    errors.push(
      ...(nodeAffinity.required
        ? validateNodeSelector(nodeAffinity.required, place)
        : [place.required("must specify required node constraints")]),
    );
  }
  errors.push(...validateSource(spec, metadata.name ?? "", at));
  if (recyclesRoot(spec)) errors.push(rootIsNotRecycled(at));
  if (storageClassName) errors.push(...validateText(dnsSubdomain, storageClassName, at.child("storageClassName")));
  if (volumeMode !== undefined) errors.push(...validateOneOf(volumeMode, volumeModes, at.child("volumeMode")));
  return [...errors, ...validateAttributesClass(spec, at)];
}

/** A volume that is described where it is attached: one of a CSI driver, and nothing that only volumes of their own have. */
export function validateInlineVolume(spec: PersistentVolumeSpec, at: Path): FieldError[] {
  const inline = "in the context of inline volumes";
  const { persistentVolumeReclaimPolicy: policy, volumeMode } = spec;
  const unwanted = (field: "claimRef" | "capacity" | "nodeAffinity" | "storageClassName") =>
    spec[field] && Object.keys(spec[field]).length > 0
      ? [at.child(field).forbidden(`may not be specified ${inline}`)]
      : [];
  return [
    ...unwanted("claimRef"),
    ...unwanted("capacity"),
    ...(spec.csi ? [] : [at.child("csi").required(`has to be specified ${inline}`)]),
    ...validateModes(spec, at.child("accessModes")),
    ...(policy && policy !== "Retain"
      ? [at.child("persistentVolumeReclaimPolicy").forbidden(`may only be Retain ${inline}`)]
      : []),
    ...(spec.nodeAffinity ? [at.child("nodeAffinity").forbidden(`may not be specified ${inline}`)] : []),
    ...validateSource(spec, "", at),
    ...(recyclesRoot(spec) ? [rootIsNotRecycled(at)] : []),
    ...unwanted("storageClassName"),
    ...(volumeMode !== undefined && volumeMode !== "Filesystem"
      ? [at.child("volumeMode").forbidden(`may not specify volumeMode other than Filesystem ${inline}`)]
      : []),
    ...validateAttributesClass(spec, at),
  ];
}

function validateModes({ accessModes = [] }: PersistentVolumeSpec, at: Path): FieldError[] {
  return accessModes.length === 0 ? [at.required()] : validateAccessModes(accessModes, at);
}

function recyclesRoot({ hostPath, persistentVolumeReclaimPolicy }: PersistentVolumeSpec): boolean {
  return persistentVolumeReclaimPolicy === "Recycle" && hostPath !== undefined && normalize(hostPath.path) === "/";
}

function rootIsNotRecycled(at: Path): FieldError {
  return at.child("persistentVolumeReclaimPolicy").forbidden("may not be 'recycle' for a hostPath mount of '/'");
}

function validateCapacity(capacity: Readonly<Record<string, string>> | undefined, at: Path): FieldError[] {
  const names = Object.keys(capacity ?? {}).sort();
  const errors = names.length === 0 ? [at.required()] : [];
  if (names.length !== 1 || names[0] !== "storage")
    errors.push(at.notSupported(capacity && names.length > 0 ? sorted(capacity) : undefined, ["storage"]));
  for (const name of names) {
    const quantity = capacity?.[name] ?? "0";
    const place = at.key(name);
    if (signOf(quantity) < 0) errors.push(place.invalid(unitsOf(quantity), "must be a valid resource quantity"));
    if (signOf(quantity) <= 0) errors.push(place.invalid(quantity, "must be greater than zero"));
  }
  return errors;
}

function sorted(list: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function validateSource(spec: PersistentVolumeSpec, volume: string, at: Path): FieldError[] {
  const own = (name: string, place: Path): FieldError[] => {
    if (name === "hostPath") return validateHostPath(spec.hostPath ?? { path: "" }, place);
    if (name === "csi") return spec.csi ? validateCsi(spec.csi, place) : [];
    return validateLocal(spec, place, at.child("nodeAffinity"));
  };
  return validateOneSource(spec, sourceNames, own, { name: volume, persistent: true }, at);
}

function validateLocal({ local, nodeAffinity }: PersistentVolumeSpec, at: Path, affinity: Path): FieldError[] {
  return [
    ...(local?.path ? validateNoBacksteps(local.path, at.child("path")) : [at.child("path").required()]),
    ...(nodeAffinity ? [] : [affinity.required("Local volume requires node affinity")]),
  ];
}

function validateCsi(csi: CSIPersistentVolumeSource, at: Path): FieldError[] {
  const secrets = [
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
  ] as const;
  return [
    ...validateCsiDriverName(csi.driver ?? "", at.child("driver")),
    ...required(csi, at, "volumeHandle"),
    ...secrets.flatMap((field) => (csi[field] ? validateSecretRef(csi[field], at.child(field)) : [])),
  ];
}

function validateSecretRef({ name, namespace }: SecretReference, at: Path): FieldError[] {
  return [
    ...(name ? validateText(dnsSubdomain, name, at.child("name")) : [at.child("name").required()]),
    ...(namespace ? validateText(dnsLabel, namespace, at.child("namespace")) : [at.child("namespace").required()]),
  ];
}

function validateAttributesClass(
  { volumeAttributesClassName: name, csi }: PersistentVolumeSpec,
  at: Path,
): FieldError[] {
  if (name === undefined) return [];
  const place = at.child("volumeAttributesClassName");
  return [
    ...(name ? validateText(dnsSubdomain, name, place) : [place.required("an empty string is disallowed")]),
    ...(csi ? [] : [at.child("csi").required("has to be specified when using volumeAttributesClassName")]),
  ];
}

/** Labels that have a newer name; a volume may move to that. */
const newerLabels: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
  "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
};

export function validatePersistentVolumeUpdate(
  { spec = {} }: PersistentVolume,
  { spec: old = {} }: PersistentVolume,
  root: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const [after, before] = [sourceOf(spec), sourceOf(old)];
  // A secret for growing may be named later.
  if (after.csi && before.csi && !before.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _, ...rest } = after.csi;
    after.csi = rest;
  }
  if (!isDeepStrictEqual(after, before))
    errors.push(
      root
        .child("spec", "persistentvolumesource")
        .forbidden(
          `spec.persistentvolumesource is immutable after creation\n${goDiff("PersistentVolumeSource", before, after)}`,
        ),
    );
  if (spec.volumeMode !== old.volumeMode)
    errors.push(root.child("volumeMode").invalid(spec.volumeMode, "field is immutable"));
  if (old.nodeAffinity && !isDeepStrictEqual(renamed(spec.nodeAffinity), renamed(old.nodeAffinity)))
    errors.push(
      root
        .child("nodeAffinity")
        .invalid(
          spec.nodeAffinity && goView("VolumeNodeAffinity", spec.nodeAffinity),
          "field is immutable, except for updating from beta label to GA",
        ),
    );
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    errors.push(
      root.child("spec", "volumeAttributesClassName").forbidden("update from non-nil value to nil is forbidden"),
    );
  return errors;
}

function sourceOf(spec: PersistentVolumeSpec): Pick<PersistentVolumeSpec, SourceName> {
  return Object.fromEntries(sourceNames.flatMap((name) => (spec[name] ? [[name, spec[name]]] : [])));
}

function renamed(affinity: PersistentVolumeSpec["nodeAffinity"]): unknown {
  return JSON.parse(JSON.stringify(affinity ?? null), (key, value: unknown) =>
    key === "key" && typeof value === "string" ? (newerLabels[value] ?? value) : value,
  );
}
