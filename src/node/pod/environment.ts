import { join } from "node:path";
import type { ConfigMap, Container, EnvVar, FileKeySelector, Pod, Secret, Service } from "../../api/schema/types.ts";
import { fieldValue, type PodAddressing, resourceValue } from "./downward.ts";
import { readEnvFile } from "./env-file.ts";
import { expand } from "./expand.ts";
import { serviceVariables } from "./service-links.ts";

/** ConfigMaps and Secrets that pods of this node refer to. Rejects with a NotFound that reads `configmap "x" not found`. */
export interface ReferencedObjects {
  configMap(namespace: string, name: string): Promise<ConfigMap>;
  secret(namespace: string, name: string): Promise<Secret>;
}

export interface EnvironmentInputs extends PodAddressing {
  readonly pod: Pod;
  readonly container: Container;
  readonly objects: ReferencedObjects;
  /** Those of the pod's namespace, and "kubernetes" of default. */
  readonly services: readonly Service[];
  readonly allocatable: Readonly<Record<string, string>>;
  /** The pod's volumes by name, as they lie on this machine. */
  readonly volumes: ReadonlyMap<string, { readonly hostPath: string }>;
}

/** A container cannot be made as it is described; the message is for the user. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

/** The environment of a container, its own variables first (Kubernetes docs, "Define Environment Variables for a Container"). */
export async function environmentOf(inputs: EnvironmentInputs): Promise<ReadonlyMap<string, string>> {
  const links = serviceVariables(linkedServices(inputs));
  const values = await valuesFromObjects(inputs);
  for (const variable of inputs.container.env ?? []) {
    const value = await variableValue(inputs, variable, (name) => values.get(name) ?? links[name]);
    if (value !== undefined) values.set(variable.name, value);
  }
  for (const [name, value] of Object.entries(links)) if (!values.has(name)) values.set(name, value);
  return values;
}

function linkedServices({ pod, services }: EnvironmentInputs): readonly Service[] {
  const isApi = ({ metadata }: Service) => metadata.namespace === "default" && metadata.name === "kubernetes";
  const wanted = (service: Service) =>
    pod.spec.enableServiceLinks !== false && service.metadata.namespace === pod.metadata.namespace;
  return services.filter((service) => isApi(service) || wanted(service));
}

async function valuesFromObjects({ pod, container, objects }: EnvironmentInputs): Promise<Map<string, string>> {
  const namespace = pod.metadata.namespace ?? "";
  const values = new Map<string, string>();
  for (const { configMapRef, secretRef, prefix = "" } of container.envFrom ?? []) {
    if (configMapRef?.name) {
      const map = await unlessOptional(objects.configMap(namespace, configMapRef.name), configMapRef.optional);
      for (const [key, value] of Object.entries(map?.data ?? {})) values.set(prefix + key, value);
    }
    if (secretRef?.name) {
      const secret = await unlessOptional(objects.secret(namespace, secretRef.name), secretRef.optional);
      for (const [key, value] of Object.entries(secret?.data ?? {})) values.set(prefix + key, decoded(value));
    }
  }
  return values;
}

async function variableValue(
  inputs: EnvironmentInputs,
  { value, valueFrom }: EnvVar,
  known: (name: string) => string | undefined,
): Promise<string | undefined> {
  const { pod, container, objects, allocatable } = inputs;
  const namespace = pod.metadata.namespace ?? "";
  if (!valueFrom) return expand(value ?? "", known);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  if (fieldRef) return fieldValue(pod, fieldRef.fieldPath, inputs);
  if (resourceFieldRef) return resourceValue(pod, resourceFieldRef, { own: container, allocatable });
  if (configMapKeyRef) {
    const { name = "", key, optional } = configMapKeyRef;
    const found = (await unlessOptional(objects.configMap(namespace, name), optional))?.data?.[key];
    if (found === undefined && !optional)
      throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return found;
  }
  if (secretKeyRef) {
    const { name = "", key, optional } = secretKeyRef;
    const found = (await unlessOptional(objects.secret(namespace, name), optional))?.data?.[key];
    if (found === undefined && !optional)
      throw new ContainerConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return found === undefined ? undefined : decoded(found);
  }
  return fileKeyRef && valueFromFile(inputs, fileKeyRef);
}

/** kubelet's words, which say no more than this of what is wrong with the file: it may hold secrets. */
async function valueFromFile(
  { volumes }: EnvironmentInputs,
  { volumeName, path, key, optional }: FileKeySelector,
): Promise<string | undefined> {
  const volume = volumes.get(volumeName)?.hostPath;
  if (volume === undefined)
    throw new ContainerConfigError(`cannot find the volume "${volumeName}" referenced by FileKeyRef`);
  const value = await readEnvFile(volume, { path, key }).catch((cause: unknown) => {
    throw new ContainerConfigError("couldn't parse env file", { cause });
  });
  if (value !== "") return value;
  if (optional) return undefined;
  throw new ContainerConfigError(`environment variable key "${key}" not found in file "${join(volume, path)}"`);
}

async function unlessOptional<T>(object: Promise<T>, optional: boolean | undefined): Promise<T | undefined> {
  try {
    return await object;
  } catch (error) {
    if (optional && (error as { reason?: unknown }).reason === "NotFound") return undefined;
    throw error instanceof Error ? new ContainerConfigError(error.message, { cause: error }) : error;
  }
}

const decoded = (base64: string): string => Buffer.from(base64, "base64").toString();
