import type { FieldError, Path } from "../field.ts";
import type {
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlockerVolumeSource,
  PersistentVolumeSpec,
  QuobyteVolumeSource,
  Volume,
} from "../schema/types.ts";
import { dnsLabel } from "./names.ts";
import { validateDescendingPath } from "./paths.ts";
import { validateInRange, validateOneOf, validateText } from "./values.ts";

/*
 * Storage systems that a pod can name itself and a PersistentVolume can name for it (API reference, "Volume" and
 * "PersistentVolume"). The two say nearly the same; where they differ, a PersistentVolume also says of which namespace a
 * secret is.
 */

/** What names the source: a pod's volume or a PersistentVolume. */
export interface SourceOwner {
  readonly name: string;
  readonly persistent: boolean;
}

type SharedName = Extract<keyof Volume, keyof PersistentVolumeSpec>;
type Source = Readonly<Record<string, unknown>>;
type SharedRule = (source: Source, at: Path, owner: SourceOwner) => FieldError[];

const sharedRules: Readonly<Partial<Record<SharedName, SharedRule>>> = {
  gcePersistentDisk: (source, at) => [...required(source, at, "pdName"), ...validatePartition(source, at)],
  awsElasticBlockStore: (source, at) => [...required(source, at, "volumeID"), ...validatePartition(source, at)],
  nfs: (source, at) => {
    const path = textOf(source.path);
    return [
      ...required(source, at, "server", "path"),
      ...(path.startsWith("/") ? [] : [at.child("path").invalid(path, "must be an absolute path")]),
    ];
  },
  iscsi: validateIscsi,
  glusterfs: (source, at) => [...required(source, at, "endpoints", "path"), ...validateEndpointsNamespace(source, at)],
  flocker: (source, at) => validateFlocker(source, at),
  rbd: (source, at) => required(source, at, "monitors", "image"),
  cinder: (source, at, owner) => [...required(source, at, "volumeID"), ...validateSecretRef(source, at, owner)],
  cephfs: (source, at) => required(source, at, "monitors"),
  quobyte: (source, at) => validateQuobyte(source as Partial<QuobyteVolumeSource>, at),
  fc: (source, at) => validateFibreChannel(source, at),
  flexVolume: (source, at) => [...required(source, at, "driver"), ...validateFlexOptions(source, at)],
  azureFile: (source, at) => [
    ...required(source, at, "secretName", "shareName"),
    ...(source.secretNamespace === "" ? [at.child("secretNamespace").required()] : []),
  ],
  vsphereVolume: (source, at) => required(source, at, "volumePath"),
  photonPersistentDisk: (source, at) => required(source, at, "pdID"),
  portworxVolume: (source, at) => required(source, at, "volumeID"),
  azureDisk: (source, at) => validateAzureDisk(source as Partial<AzureDiskVolumeSource>, at),
  storageos: validateStorageOs,
  scaleIO: (source, at) => required(source, at, "gateway", "system", "volumeName"),
};

/** Where errors in a source are, and where a second source is, if not under its own name. */
const insideNames: Readonly<Record<string, string>> = { gcePersistentDisk: "persistentDisk" };
const secondNames: Readonly<Record<string, string>> = { cephfs: "cephFS", downwardAPI: "downwarAPI" };

/** What is wrong with the sources of a volume: `names` in the order in which a second one is found. */
export function validateOneSource(
  sources: object,
  names: readonly string[],
  own: (name: string, place: Path) => FieldError[],
  owner: SourceOwner,
  at: Path,
): FieldError[] {
  const given = sources as Source;
  const present = names.filter((name) => given[name]);
  if (present.length === 0) return [at.required("must specify a volume type")];
  return present.flatMap((name, i) => {
    if (i > 0 && !(owner.persistent && name === "flexVolume"))
      return [at.child(secondNames[name] ?? name).forbidden("may not specify more than 1 volume type")];
    const place = at.child(insideNames[name] ?? name);
    const rule = sharedRules[name as SharedName];
    return rule ? rule(given[name] as Source, place, owner) : own(name, place);
  });
}

/** The fields that a source must have. */
export function required(source: object | undefined, at: Path, ...fields: readonly string[]): FieldError[] {
  const values = (source ?? {}) as Source;
  return fields.flatMap((field) => {
    const value = values[field];
    return value && !(Array.isArray(value) && value.length === 0) ? [] : [at.child(field).required()];
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function validatePartition({ partition }: Source, at: Path): FieldError[] {
  const number = Number(partition ?? 0);
  // Zero says that there are no partitions; clients are told of the others.
  return number >= 0 && number <= 255
    ? []
    : [at.child("partition").invalid(number, "must be between 1 and 255, inclusive")];
}

const qualifiedTargets: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
};

function validateTarget(name: string, { persistent }: SourceOwner, at: Path): FieldError[] {
  const shape = qualifiedTargets[name.slice(0, 3)];
  if (!shape)
    return [
      at.invalid(name, persistent ? "must be valid format" : "must be valid format starting with iqn, eui, or naa"),
    ];
  return shape.test(name) ? [] : [at.invalid(name, "must be valid format")];
}

const longestPortal = 64;

/** With an initiator's name a node knows a session by the names of volume and portal together. */
export function validatePortalLength(source: Source | undefined, owner: SourceOwner, at: Path): FieldError[] {
  if (source?.initiatorName === undefined) return [];
  const portal = textOf(source.targetPortal);
  if (`${owner.name}:${portal}`.length <= longestPortal) return [];
  const tooLong = `Total length of <volume name>:<iscsi.targetPortal> must be under ${longestPortal} characters if iscsi.initiatorName is specified.`;
  return [at.invalid(owner.persistent ? portal : owner.name, tooLong)];
}

function validateIscsi(source: Source, at: Path, owner: SourceOwner): FieldError[] {
  const target = textOf(source.iqn);
  return [
    ...required(source, at, "targetPortal"),
    ...(owner.persistent ? validatePortalLength(source, owner, at.child("targetportal")) : []),
    ...(target ? validateTarget(target, owner, at.child("iqn")) : [at.child("iqn").required()]),
    ...validateInRange(source.lun as number | undefined, [0, 255], at.child("lun")),
    ...((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef
      ? [at.child("secretRef").required()]
      : []),
    ...(owner.persistent && source.secretRef ? required(source.secretRef, at.child("secretRef"), "name") : []),
    ...(source.initiatorName === undefined
      ? []
      : validateTarget(textOf(source.initiatorName), owner, at.child("initiatorname"))),
  ];
}

function validateSecretRef({ secretRef }: Source, at: Path, { persistent }: SourceOwner): FieldError[] {
  if (!secretRef) return [];
  return required(secretRef, at.child("secretRef"), "name", ...(persistent ? ["namespace"] : []));
}

function validateEndpointsNamespace({ endpointsNamespace: namespace }: Source, at: Path): FieldError[] {
  if (typeof namespace !== "string") return [];
  const place = at.child("endpointsNamespace");
  if (namespace === "")
    return [place.invalid(namespace, "if the endpointnamespace is set, it must be a valid namespace name")];
  return validateText(dnsLabel, namespace, place);
}

function validateFlocker({ datasetName = "", datasetUUID }: FlockerVolumeSource, at: Path): FieldError[] {
  return [
    ...(datasetName || datasetUUID ? [] : [at.required("one of datasetName and datasetUUID is required")]),
    ...(datasetName && datasetUUID
      ? [at.invalid("resource", "datasetName and datasetUUID can not be specified simultaneously")]
      : []),
    ...(datasetName.includes("/") ? [at.child("datasetName").invalid(datasetName, "must not contain '/'")] : []),
  ];
}

function validateFibreChannel({ targetWWNs = [], wwids = [], lun }: FCVolumeSource, at: Path): FieldError[] {
  const errors: FieldError[] = [];
  const names = at.child("targetWWNs");
  if (targetWWNs.length === 0 && wwids.length === 0)
    errors.push(names.required("must specify either targetWWNs or wwids, but not both"));
  if (targetWWNs.length > 0 && wwids.length > 0)
    errors.push(names.invalid(targetWWNs, "targetWWNs and wwids can not be specified simultaneously"));
  if (targetWWNs.length === 0) return errors;
  if (lun === undefined) return [...errors, at.child("lun").required("lun is required if targetWWNs is specified")];
  return [...errors, ...validateInRange(lun, [0, 255], at.child("lun"))];
}

const longestTenant = 64;

function validateQuobyte({ registry = "", tenant = "", volume }: Partial<QuobyteVolumeSource>, at: Path): FieldError[] {
  const pairs = "must be a host:port pair or multiple pairs separated by commas";
  const errors: FieldError[] = [];
  if (!registry) errors.push(at.child("registry").required(pairs));
  else if (tenant.length > longestTenant)
    errors.push(
      at.child("tenant").required(`must be a UUID and may not exceed a length of ${longestTenant} characters`),
    );
  else
    for (const pair of registry.split(","))
      if (!/^(\[[^[\]]*\]|[^:[\]]*):[^:[\]]*$/.test(pair)) errors.push(at.child("registry").invalid(registry, pairs));
  return [...errors, ...required({ volume }, at, "volume")];
}

function validateFlexOptions({ options }: Source, at: Path): FieldError[] {
  return Object.keys((options ?? {}) as object)
    .filter((key) => /\.(kubernetes|k8s)\.io$/.test(`.${key.split("/", 1)[0]?.toLowerCase()}`))
    .sort()
    .map((key) => at.child("options").key(key).invalid(key, "kubernetes.io and k8s.io namespaces are reserved"));
}

const managedDisk = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const blobDisk = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

function validateAzureDisk(source: Partial<AzureDiskVolumeSource>, at: Path): FieldError[] {
  const { cachingMode, kind, diskURI = "" } = source;
  const errors = required(source, at, "diskName", "diskURI");
  if (cachingMode !== undefined)
    errors.push(...validateOneOf(cachingMode, ["None", "ReadOnly", "ReadWrite"], at.child("cachingMode")));
  if (kind === undefined) return errors;
  errors.push(...validateOneOf(kind, ["Dedicated", "Managed", "Shared"], at.child("kind")));
  if (kind === "Managed" && !diskURI.startsWith("/subscriptions/"))
    errors.push(at.child("diskURI").notSupported(diskURI, [managedDisk]));
  if (kind !== "Managed" && !diskURI.startsWith("https://"))
    errors.push(at.child("diskURI").notSupported(diskURI, [blobDisk]));
  return errors;
}

function validateStorageOs(source: Source, at: Path, owner: SourceOwner): FieldError[] {
  const [name, namespace] = [textOf(source.volumeName), textOf(source.volumeNamespace)];
  return [
    ...(name ? validateText(dnsLabel, name, at.child("volumeName")) : [at.child("volumeName").required()]),
    ...(namespace ? validateText(dnsLabel, namespace, at.child("volumeNamespace")) : []),
    ...validateSecretRef(source, at, owner),
  ];
}

/** A path inside a repository. */
export function validateGitRepo(source: { repository?: string; directory?: string }, at: Path): FieldError[] {
  return [
    ...required(source, at, "repository"),
    ...validateDescendingPath(source.directory ?? "", at.child("directory")),
  ];
}
