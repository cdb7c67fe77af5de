import type { FieldError, Path } from "../field.ts";
import { signOf } from "../quantity.ts";
import type {
  DownwardAPIVolumeFile,
  EphemeralVolumeSource,
  HostPathVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  Volume,
  VolumeProjection,
} from "../schema/types.ts";
import { validateClaimSpec } from "./claims.ts";
import { validatePullPolicy } from "./containers.ts";
import { fileFields, validateFieldRef, validateResourceRef } from "./env.ts";
import { validateLabels } from "./labels.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import { validateFileMode, validateLocalPath, validateNoBacksteps } from "./paths.ts";
import type { PodSpecOptions } from "./pod-spec.ts";
import { validateOneOf, validateText } from "./values.ts";

/* Kubernetes docs, "Volumes". */

/** What is wrong with a pod's volumes, and those that are well formed, by name. */
export function validateVolumes(
  volumes: readonly Volume[],
  options: PodSpecOptions,
  at: Path,
): { errors: FieldError[]; valid: ReadonlyMap<string, Volume> } {
  const valid = new Map<string, Volume>();
  const made = new Set(volumes.filter(({ ephemeral }) => ephemeral).map(({ name }) => `${options.podName}-${name}`));
  const errors = volumes.flatMap((volume, i) => {
    const place = at.index(i);
    const { name = "", persistentVolumeClaim } = volume;
    const wrong = validateSource(volume, options, place);
    wrong.push(...(name ? validateText(dnsLabel, name, place.child("name")) : [place.child("name").required()]));
    if (valid.has(name)) wrong.push(place.child("name").duplicate(name));
    if (wrong.length === 0) valid.set(name, volume);
    if (options.podName && persistentVolumeClaim && made.has(persistentVolumeClaim.claimName))
      wrong.push(
        place
          .child("persistentVolumeClaim", "claimName")
          .invalid(
            persistentVolumeClaim.claimName,
            "must not reference a PVC that gets created for an ephemeral volume",
          ),
      );
    return wrong;
  });
  return { errors, valid };
}

type SourceName = Exclude<keyof Volume, "name">;
type SourceRule = (volume: Volume, at: Path, options: PodSpecOptions) => FieldError[];

/** The sources, in the order in which a second one is found. */
const sourceRules: readonly (readonly [SourceName, SourceRule])[] = [
  ["emptyDir", validateEmptyDir],
  ["hostPath", ({ hostPath }, at) => validateHostPath(hostPath ?? { path: "" }, at)],
  ["gitRepo", ({ gitRepo }, at) => required(gitRepo, at, "repository")],
  ["gcePersistentDisk", ({ gcePersistentDisk }, at) => required(gcePersistentDisk, at, "pdName")],
  ["awsElasticBlockStore", ({ awsElasticBlockStore }, at) => required(awsElasticBlockStore, at, "volumeID")],
  ["secret", validateSecret],
  ["nfs", ({ nfs }, at) => validateNfs(nfs ?? {}, at)],
  ["iscsi", ({ iscsi }, at) => required(iscsi, at, "targetPortal", "iqn")],
  ["glusterfs", ({ glusterfs }, at) => required(glusterfs, at, "endpoints", "path")],
  ["flocker", ({ flocker }, at) => validateFlocker(flocker ?? {}, at)],
  ["persistentVolumeClaim", ({ persistentVolumeClaim }, at) => required(persistentVolumeClaim, at, "claimName")],
  ["rbd", ({ rbd }, at) => required(rbd, at, "monitors", "image")],
  ["cinder", ({ cinder }, at) => required(cinder, at, "volumeID")],
  ["cephfs", ({ cephfs }, at) => required(cephfs, at, "monitors")],
  ["quobyte", ({ quobyte }, at) => required(quobyte, at, "registry", "volume")],
  [
    "downwardAPI",
    ({ downwardAPI }, at) => [
      ...validateFileMode(downwardAPI?.defaultMode, at.child("defaultMode")),
      ...(downwardAPI?.items ?? []).flatMap((file) => validateDownwardFile(file, at)),
    ],
  ],
  ["fc", ({ fc }, at) => validateFibreChannel(fc ?? {}, at)],
  ["flexVolume", ({ flexVolume }, at) => required(flexVolume, at, "driver")],
  ["configMap", validateConfigMap],
  ["azureFile", ({ azureFile }, at) => required(azureFile, at, "secretName", "shareName")],
  ["vsphereVolume", ({ vsphereVolume }, at) => required(vsphereVolume, at, "volumePath")],
  ["photonPersistentDisk", ({ photonPersistentDisk }, at) => required(photonPersistentDisk, at, "pdID")],
  ["portworxVolume", ({ portworxVolume }, at) => required(portworxVolume, at, "volumeID")],
  ["azureDisk", ({ azureDisk }, at) => required(azureDisk, at, "diskName", "diskURI")],
  ["storageos", ({ storageos }, at) => required(storageos, at, "volumeName")],
  ["projected", ({ projected }, at) => validateProjected(projected ?? {}, at)],
  ["scaleIO", ({ scaleIO }, at) => required(scaleIO, at, "gateway", "system", "volumeName")],
  ["csi", validateCsi],
  ["ephemeral", validateEphemeral],
  [
    "image",
    ({ image }, at, { isPod }) => [
      ...(isPod && !image?.reference ? [at.child("reference").required()] : []),
      ...validatePullPolicy(image?.pullPolicy, at.child("pullPolicy")),
    ],
  ],
];

function validateSource(volume: Volume, options: PodSpecOptions, at: Path): FieldError[] {
  const present = sourceRules.filter(([name]) => volume[name]);
  if (present.length === 0) return [at.required("must specify a volume type")];
  return present.flatMap(([name, rule], i) =>
    i === 0
      ? rule(volume, at.child(name), options)
      : [at.child(name).forbidden("may not specify more than 1 volume type")],
  );
}

/** The fields that a source must have. */
export function required(source: object | undefined, at: Path, ...fields: readonly string[]): FieldError[] {
  const values = (source ?? {}) as Record<string, unknown>;
  return fields.flatMap((field) => {
    const value = values[field];
    return value && !(Array.isArray(value) && value.length === 0) ? [] : [at.child(field).required()];
  });
}

function validateEmptyDir({ emptyDir }: Volume, at: Path): FieldError[] {
  const limit = emptyDir?.sizeLimit;
  return limit !== undefined && signOf(limit) < 0
    ? [at.child("sizeLimit").forbidden("SizeLimit field must be a valid resource quantity")]
    : [];
}

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

export function validateHostPath({ path, type = "" }: HostPathVolumeSource, at: Path): FieldError[] {
  if (!path) return [at.child("path").required()];
  return [...validateNoBacksteps(path, at.child("path")), ...validateOneOf(type, hostPathTypes, at.child("type"))];
}

function validateSecret({ secret = {} }: Volume, at: Path): FieldError[] {
  return [
    ...required(secret, at, "secretName"),
    ...validateFileMode(secret.defaultMode, at.child("defaultMode")),
    ...validateItems(secret.items, at),
  ];
}

function validateConfigMap({ configMap = {} }: Volume, at: Path): FieldError[] {
  return [
    ...required(configMap, at, "name"),
    ...validateFileMode(configMap.defaultMode, at.child("defaultMode")),
    ...validateItems(configMap.items, at),
  ];
}

function validateItems(items: readonly KeyToPath[] | undefined, at: Path): FieldError[] {
  return (items ?? []).flatMap((item, i) => {
    const place = at.child("items").index(i);
    return [
      ...required(item, place, "key", "path"),
      ...validateLocalPath(item.path ?? "", place.child("path")),
      ...validateFileMode(item.mode, place.child("mode")),
    ];
  });
}

export function validateNfs({ server, path = "" }: { server?: string; path?: string }, at: Path): FieldError[] {
  return [
    ...required({ server, path }, at, "server", "path"),
    ...(path.startsWith("/") ? [] : [at.child("path").invalid(path, "must be an absolute path")]),
  ];
}

function validateFlocker(
  { datasetName, datasetUUID }: { datasetName?: string; datasetUUID?: string },
  at: Path,
): FieldError[] {
  return datasetName || datasetUUID ? [] : [at.required("one of datasetName and datasetUUID is required")];
}

function validateFibreChannel(
  { targetWWNs = [], wwids = [], lun }: { targetWWNs?: string[]; wwids?: string[]; lun?: number },
  at: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const names = at.child("targetWWNs");
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(names.required("must specify either targetWWNs or wwids, but not both"));
  if (targetWWNs.length > 0 && wwids.length > 0)
    errors.push(names.invalid(targetWWNs, "targetWWNs and wwids can not be specified simultaneously"));
  if (targetWWNs.length > 0 && lun === undefined)
    errors.push(at.child("lun").required("lun is required if targetWWNs is specified"));
  return errors;
}

/** A driver's name: a subdomain of at most 63 characters, in any case. */
export function validateCsiDriverName(driver: string, at: Path): FieldError[] {
  if (driver === "") return [at.required()];
  return [
    ...(driver.length > 63 ? [at.tooLong(63)] : []),
    ...dnsSubdomain(driver.toLowerCase()).map((wrong) => at.invalid(driver, wrong)),
  ];
}

function validateCsi({ csi }: Volume, at: Path): FieldError[] {
  const secret = csi?.nodePublishSecretRef;
  return [
    ...validateCsiDriverName(csi?.driver ?? "", at.child("driver")),
    ...(secret
      ? secret.name
        ? validateText(dnsSubdomain, secret.name, at.child("name"))
        : [at.child("nodePublishSecretRef", "name").required()]
      : []),
  ];
}

function validateEphemeral({ ephemeral, name }: Volume, at: Path, { podName }: PodSpecOptions): FieldError[] {
  const claim = podName ? `${podName}-${name}` : "";
  return [
    ...validateClaimTemplate(ephemeral ?? {}, at),
    ...(claim && name
      ? dnsSubdomain(claim).map((wrong) =>
          at.child("name").invalid(name, `PVC name ${JSON.stringify(claim)}: ${wrong}`),
        )
      : []),
  ];
}

function validateClaimTemplate({ volumeClaimTemplate: template }: EphemeralVolumeSource, at: Path): FieldError[] {
  const place = at.child("volumeClaimTemplate");
  if (!template) return [place.required()];
  return [
    ...validateLabels(template.metadata?.labels, place.child("metadata", "labels")),
    ...validateClaimSpec(template.spec, place.child("spec")),
  ];
}

function validateDownwardFile(file: DownwardAPIVolumeFile, at: Path): FieldError[] {
  const { path = "", fieldRef, resourceFieldRef } = file;
  const errors = [...required({ path }, at, "path"), ...validateLocalPath(path, at.child("path"))];
  if (fieldRef) {
    errors.push(...validateFieldRef(fieldRef, fileFields, at.child("fieldRef")));
    if (resourceFieldRef)
      errors.push(at.invalid("resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
  } else if (resourceFieldRef)
    errors.push(...validateResourceRef(resourceFieldRef, { named: true }, at.child("resourceFieldRef")));
  else errors.push(at.required("one of fieldRef and resourceFieldRef is required"));
  return [...errors, ...validateFileMode(file.mode, at.child("mode"))];
}

function validateProjected({ defaultMode, sources = [] }: ProjectedVolumeSource, at: Path): FieldError[] {
  const paths = new Set<string>();
  return [
    ...validateFileMode(defaultMode, at.child("defaultMode")),
    ...sources.flatMap((source, i) => validateProjection(source, { volume: at, paths }, at.child("sources").index(i))),
  ];
}

function validateProjection(
  source: VolumeProjection,
  { volume, paths }: { volume: Path; paths: Set<string> },
  at: Path,
): FieldError[] {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle } = source;
  const errors: FieldError[] = [];
  const claimPath = (path: string | undefined, shown: string | undefined) => {
    if (!path) return;
    if (paths.has(path)) errors.push(volume.invalid(shown ?? "", "conflicting duplicate paths"));
    paths.add(path);
  };
  for (const [name, part] of Object.entries({ secret, configMap })) {
    if (!part) continue;
    errors.push(...required(part, at.child(name), "name"), ...validateItems(part.items, at.child(name)));
    for (const { path } of part.items ?? []) claimPath(path, part.name);
  }
  for (const file of downwardAPI?.items ?? []) {
    errors.push(...validateDownwardFile(file, at.child("downwardAPI")));
    claimPath(file.path, file.path);
  }
  if (serviceAccountToken) errors.push(...validateToken(serviceAccountToken, volume, at.child("serviceAccountToken")));
  if (clusterTrustBundle) {
    const place = at.child("clusterTrustBundle");
    if (clusterTrustBundle.name === undefined && clusterTrustBundle.signerName === undefined)
      errors.push(place.required("either name or signerName must be specified"));
    errors.push(
      ...required(clusterTrustBundle, place, "path"),
      ...validateLocalPath(clusterTrustBundle.path ?? "", place.child("path")),
    );
    claimPath(clusterTrustBundle.path, clusterTrustBundle.path);
  }
  if (Object.values(source).filter(Boolean).length > 1)
    errors.push(at.forbidden("may not specify more than 1 volume type per source"));
  return errors;
}

function validateToken(
  { expirationSeconds = 0, path }: ServiceAccountTokenProjection,
  volume: Path,
  at: Path,
): FieldError[] {
  const place = at.child("expirationSeconds");
  return [
    ...(expirationSeconds < 600
      ? [place.invalid(expirationSeconds, "may not specify a duration less than 10 minutes")]
      : []),
    ...(expirationSeconds > 2 ** 32
      ? [place.invalid(expirationSeconds, "may not specify a duration larger than 2^32 seconds")]
      : []),
    ...(path ? validateLocalPath(path, volume.child("path")) : [volume.child("path").required()]),
  ];
}
