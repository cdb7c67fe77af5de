import type {
  ConfigMap,
  ConfigMapProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  ProjectedVolumeSource,
  Secret,
  SecretProjection,
  ServiceAccountTokenProjection,
  Volume,
} from "../../api/schema/types.ts";
import { fieldValue, type PodAddressing, resourceValue } from "../pod/downward.ts";
import type { ReferencedObjects } from "../pod/environment.ts";
import type { ProjectedFile } from "./atomic-writer.ts";

export type Files = Map<string, ProjectedFile>;

export interface PayloadInputs extends PodAddressing {
  readonly pod: Pod;
  readonly objects: ReferencedObjects;
  readonly allocatable: Readonly<Record<string, string>>;
  /** A token of the pod's service account. */
  readonly token: (pod: Pod, projection: ServiceAccountTokenProjection) => Promise<string>;
}

const usualMode = 0o644;

/** Whether skiff fills the volume from the API. */
export function isProjected({ configMap, secret, downwardAPI, projected }: Volume): boolean {
  return Boolean(configMap ?? secret ?? downwardAPI ?? projected);
}

/** The files of a volume of sort configMap, secret, downwardAPI or projected. */
export async function payloadOf(
  inputs: PayloadInputs,
  { configMap, secret, downwardAPI, projected }: Volume,
): Promise<Files> {
  if (configMap) return configMapFiles(inputs, configMap, configMap.defaultMode);
  if (secret) {
    const { secretName: name, ...rest } = secret;
    return secretFiles(inputs, { ...rest, ...(name && { name }) }, secret.defaultMode);
  }
  if (downwardAPI) return downwardFiles(inputs, downwardAPI.items, downwardAPI.defaultMode);
  return projected ? projectedFiles(inputs, projected) : new Map();
}

async function projectedFiles(
  inputs: PayloadInputs,
  { sources = [], defaultMode }: ProjectedVolumeSource,
): Promise<Files> {
  const files: Files = new Map();
  for (const { configMap, secret, downwardAPI, serviceAccountToken } of sources) {
    const parts = [
      configMap && (await configMapFiles(inputs, configMap, defaultMode)),
      secret && (await secretFiles(inputs, secret, defaultMode)),
      downwardAPI && downwardFiles(inputs, downwardAPI.items, defaultMode),
    ];
    for (const part of parts) for (const [path, file] of part ?? []) files.set(path, file);
    if (serviceAccountToken) {
      const content = Buffer.from(await inputs.token(inputs.pod, serviceAccountToken));
      files.set(serviceAccountToken.path, { content, mode: tokenMode(inputs.pod, defaultMode) });
    }
  }
  return files;
}

/** A token is for its container's user only, unless a group shares the volume or all containers run as one other user. */
function tokenMode({ spec }: Pod, defaultMode: number | undefined): number {
  if (spec.securityContext?.fsGroup !== undefined) return 0o600;
  return defaultMode ?? usualMode;
}

async function configMapFiles(
  { pod, objects }: PayloadInputs,
  { name = "", items, optional }: ConfigMapProjection,
  defaultMode: number | undefined,
): Promise<Files> {
  const namespace = pod.metadata.namespace ?? "";
  const map = await unlessOptional(objects.configMap(namespace, name), optional);
  return pick(contentOf(map), items, { defaultMode, optional, what: `configmap references non-existent config key` });
}

async function secretFiles(
  { pod, objects }: PayloadInputs,
  { name = "", items, optional }: SecretProjection,
  defaultMode: number | undefined,
): Promise<Files> {
  const namespace = pod.metadata.namespace ?? "";
  const secret: Secret | undefined = await unlessOptional(objects.secret(namespace, name), optional);
  const content = new Map(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")]),
  );
  return pick(content, items, { defaultMode, optional, what: `references non-existent secret key` });
}

function contentOf(map: ConfigMap | undefined): Map<string, Buffer> {
  return new Map([
    ...Object.entries(map?.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(map?.binaryData ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
  ]);
}

function pick(
  content: ReadonlyMap<string, Buffer>,
  items: readonly KeyToPath[] | undefined,
  { defaultMode, optional, what }: { defaultMode: number | undefined; optional: boolean | undefined; what: string },
): Files {
  const mode = defaultMode ?? usualMode;
  if (!items?.length) return new Map([...content].map(([key, data]) => [key, { content: data, mode }]));
  const files: Files = new Map();
  for (const item of items) {
    const data = content.get(item.key);
    if (!data && !optional) throw new Error(`${what}: ${item.key}`);
    if (data) files.set(item.path, { content: data, mode: item.mode ?? mode });
  }
  return files;
}

function downwardFiles(
  inputs: PayloadInputs,
  items: readonly DownwardAPIVolumeFile[] = [],
  defaultMode: number | undefined,
): Files {
  const { pod, allocatable } = inputs;
  return new Map(
    items.map(({ path, fieldRef, resourceFieldRef, mode }) => {
      const text = fieldRef
        ? fieldValue(pod, fieldRef.fieldPath, inputs)
        : resourceFieldRef
          ? resourceValue(pod, resourceFieldRef, { own: undefined, allocatable })
          : "";
      return [path, { content: Buffer.from(text), mode: mode ?? defaultMode ?? usualMode }];
    }),
  );
}

async function unlessOptional<T>(object: Promise<T>, optional: boolean | undefined): Promise<T | undefined> {
  try {
    return await object;
  } catch (error) {
    if (optional && (error as { reason?: unknown }).reason === "NotFound") return undefined;
    throw error;
  }
}
