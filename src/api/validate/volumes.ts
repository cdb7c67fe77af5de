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
import { validateTemplateMeta } from "./metadata.ts";
import { dnsLabel, dnsSubdomain } from "./names.ts";
import { validateFileMode, validateLocalPath, validateNoBacksteps } from "./paths.ts";
import type { PodSpecOptions } from "./pod-spec.ts";
import { validateOneOf, validateText } from "./values.ts";
import { required, validateGitRepo, validateOneSource, validatePortalLength } from "./volume-sources.ts";

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

/** What only a pod's volumes can be. */
const ownRules: Readonly<Partial<Record<SourceName, SourceRule>>> = {
  emptyDir: validateEmptyDir,
  hostPath: ({ hostPath }, at) => validateHostPath(hostPath ?? { path: "" }, at),
  gitRepo: ({ gitRepo }, at) => validateGitRepo(gitRepo ?? {}, at),
  secret: validateSecret,
  persistentVolumeClaim: ({ persistentVolumeClaim }, at) => required(persistentVolumeClaim, at, "claimName"),
  downwardAPI: ({ downwardAPI }, at) => [
    ...validateFileMode(downwardAPI?.defaultMode, at.child("defaultMode")),
    ...(downwardAPI?.items ?? []).flatMap((file) => validateDownwardFile(file, at)),
  ],
  configMap: validateConfigMap,
  projected: ({ projected }, at) => validateProjected(projected ?? {}, at),
  csi: validateCsi,
  ephemeral: ({ ephemeral }, at) => validateClaimTemplate(ephemeral ?? {}, at),
  image: ({ image }, at, { isPod }) => [
    ...(isPod && !image?.reference ? [at.child("reference").required()] : []),
    ...validatePullPolicy(image?.pullPolicy, at.child("pullPolicy")),
  ],
};

/** The sources, in the order in which a second one is found. */
const sourceNames: readonly SourceName[] = [
  "emptyDir",
  "hostPath",
  "gitRepo",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "flocker",
  "persistentVolumeClaim",
  "rbd",
  "cinder",
  "cephfs",
  "quobyte",
  "downwardAPI",
  "fc",
  "flexVolume",
  "configMap",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "storageos",
  "projected",
  "scaleIO",
  "csi",
  "ephemeral",
  "image",
];

function validateSource(volume: Volume, options: PodSpecOptions, at: Path): FieldError[] {
  const owner = { name: volume.name ?? "", persistent: false };
  const own = (name: string, place: Path) => ownRules[name as SourceName]?.(volume, place, options) ?? [];
  return [
    ...validateOneSource(volume, sourceNames, own, owner, at),
    ...validatePortalLength(volume.iscsi as Readonly<Record<string, unknown>> | undefined, owner, at.child("name")),
    ...validateClaimName(volume, options, at.child("name")),
  ];
}

/** The claim of an ephemeral volume is named after pod and volume. */
function validateClaimName({ ephemeral, name }: Volume, { podName }: PodSpecOptions, at: Path): FieldError[] {
  if (!ephemeral || !podName || !name) return [];
  const claim = `${podName}-${name}`;
  return dnsSubdomain(claim).map((wrong) => at.invalid(name, `PVC name ${JSON.stringify(claim)}: ${wrong}`));
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
  return (items ?? []).flatMap((item, i) => validateItem(item, at.child("items").index(i)));
}

function validateItem(item: KeyToPath, at: Path): FieldError[] {
  return [
    ...required(item, at, "key", "path"),
    ...validateLocalPath(item.path ?? "", at.child("path")),
    ...validateFileMode(item.mode, at.child("mode")),
  ];
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

function validateClaimTemplate({ volumeClaimTemplate: template }: EphemeralVolumeSource, at: Path): FieldError[] {
  const place = at.child("volumeClaimTemplate");
  if (!template) return [place.required()];
  return [
    ...validateTemplateMeta(template.metadata, place.child("metadata")),
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
  const { secret, configMap, downwardAPI, serviceAccountToken } = source;
  const errors: FieldError[] = [];
  const claimPath = (path: string | undefined, shown: string | undefined) => {
    if (!path) return;
    if (paths.has(path)) errors.push(volume.invalid(shown ?? "", "conflicting duplicate paths"));
    paths.add(path);
  };
  for (const [name, part] of Object.entries({ secret, configMap })) {
    if (!part) continue;
    errors.push(...required(part, at.child(name), "name"));
    for (const [i, item] of (part.items ?? []).entries()) {
      errors.push(...validateItem(item, at.child(name, "items").index(i)));
      claimPath(item.path, part.name);
    }
  }
  for (const file of downwardAPI?.items ?? []) {
    errors.push(...validateDownwardFile(file, at.child("downwardAPI")));
    claimPath(file.path, file.path);
  }
  if (serviceAccountToken) errors.push(...validateToken(serviceAccountToken, volume, at.child("serviceAccountToken")));
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
