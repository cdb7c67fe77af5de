import { isDeepStrictEqual } from "node:util";
import type { FieldError, Path } from "../../field.ts";
import { goDiff } from "../../go-view.ts";
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
import { required, validateCsiDriverName, validateHostPath, validateNfs } from "../../validate/volumes.ts";

type SourceName =
  | "hostPath"
  | "gcePersistentDisk"
  | "awsElasticBlockStore"
  | "glusterfs"
  | "flocker"
  | "nfs"
  | "rbd"
  | "quobyte"
  | "cephfs"
  | "iscsi"
  | "cinder"
  | "fc"
  | "flexVolume"
  | "azureFile"
  | "vsphereVolume"
  | "photonPersistentDisk"
  | "portworxVolume"
  | "azureDisk"
  | "scaleIO"
  | "local"
  | "storageos"
  | "csi";

/** The sources, in the order in which a second one is found. */
const sourceRules: readonly (readonly [SourceName, (spec: PersistentVolumeSpec, at: Path) => FieldError[]])[] = [
  ["hostPath", ({ hostPath }, at) => validateHostPath(hostPath ?? { path: "" }, at)],
  ["gcePersistentDisk", (spec, at) => required(spec.gcePersistentDisk, at, "pdName")],
  ["awsElasticBlockStore", (spec, at) => required(spec.awsElasticBlockStore, at, "volumeID")],
  ["glusterfs", (spec, at) => required(spec.glusterfs, at, "endpoints", "path")],
  ["flocker", () => []],
  ["nfs", ({ nfs }, at) => validateNfs(nfs ?? {}, at)],
  ["rbd", (spec, at) => required(spec.rbd, at, "monitors", "image")],
  ["quobyte", (spec, at) => required(spec.quobyte, at, "registry", "volume")],
  ["cephfs", (spec, at) => required(spec.cephfs, at, "monitors")],
  ["iscsi", (spec, at) => required(spec.iscsi, at, "targetPortal", "iqn")],
  ["cinder", (spec, at) => required(spec.cinder, at, "volumeID")],
  ["fc", () => []],
  ["flexVolume", (spec, at) => required(spec.flexVolume, at, "driver")],
  ["azureFile", (spec, at) => required(spec.azureFile, at, "secretName", "shareName")],
  ["vsphereVolume", (spec, at) => required(spec.vsphereVolume, at, "volumePath")],
  ["photonPersistentDisk", (spec, at) => required(spec.photonPersistentDisk, at, "pdID")],
  ["portworxVolume", (spec, at) => required(spec.portworxVolume, at, "volumeID")],
  ["azureDisk", (spec, at) => required(spec.azureDisk, at, "diskName", "diskURI")],
  ["scaleIO", (spec, at) => required(spec.scaleIO, at, "gateway", "system", "volumeName")],
  ["local", validateLocal],
  ["storageos", (spec, at) => required(spec.storageos, at, "volumeName")],
  ["csi", ({ csi }, at) => (csi ? validateCsi(csi, at) : [])],
];

export function validatePersistentVolume({ spec = {} }: PersistentVolume, root: Path): FieldError[] {
  const at = root.child("spec");
  const { accessModes = [], persistentVolumeReclaimPolicy: policy, nodeAffinity, storageClassName, volumeMode } = spec;
  const errors = [
    ...(accessModes.length === 0 ? [at.child("accessModes").required()] : []),
    ...validateAccessModes(accessModes, at.child("accessModes")),
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
  errors.push(...validateSource(spec, at));
  if (spec.hostPath && /^\/+\.?\/*$/.test(spec.hostPath.path) && policy === "Recycle")
    errors.push(
      at.child("persistentVolumeReclaimPolicy").forbidden("may not be 'recycle' for a hostPath mount of '/'"),
    );
  if (storageClassName) errors.push(...validateText(dnsSubdomain, storageClassName, at.child("storageClassName")));
  if (volumeMode !== undefined) errors.push(...validateOneOf(volumeMode, volumeModes, at.child("volumeMode")));
  return [...errors, ...validateAttributesClass(spec, at)];
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

function validateSource(spec: PersistentVolumeSpec, at: Path): FieldError[] {
  const present = sourceRules.filter(([name]) => spec[name]);
  if (present.length === 0) return [at.required("must specify a volume type")];
  return present.flatMap(([name, rule], i) =>
    i === 0 ? rule(spec, at.child(name)) : [at.child(name).forbidden("may not specify more than 1 volume type")],
  );
}

function validateLocal({ local, nodeAffinity }: PersistentVolumeSpec, at: Path): FieldError[] {
  return [
    ...(local?.path ? validateNoBacksteps(local.path, at.child("path")) : [at.child("path").required()]),
    ...(nodeAffinity ? [] : [{ ...at.required("Local volume requires node affinity"), field: "spec.nodeAffinity" }]),
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
        .invalid(spec.nodeAffinity, "field is immutable, except for updating from beta label to GA"),
    );
  if (old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    errors.push(
      root.child("spec", "volumeAttributesClassName").forbidden("update from non-nil value to nil is forbidden"),
    );
  return errors;
}

function sourceOf(spec: PersistentVolumeSpec): Pick<PersistentVolumeSpec, SourceName> {
  return Object.fromEntries(sourceRules.flatMap(([name]) => (spec[name] ? [[name, spec[name]]] : [])));
}

function renamed(affinity: PersistentVolumeSpec["nodeAffinity"]): unknown {
  return JSON.parse(JSON.stringify(affinity ?? null), (key, value: unknown) =>
    key === "key" && typeof value === "string" ? (newerLabels[value] ?? value) : value,
  );
}
