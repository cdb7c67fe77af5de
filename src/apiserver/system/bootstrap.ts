import { apiVersionOf, groupVersionFrom } from "../../api/kind.ts";
import { serviceCIDR } from "../../api/kinds/networking/service-cidr.ts";
import type { AnyObject } from "../../api/object.ts";
import { isReason } from "../../api/status.ts";
import { cidrAddress, parseCidr } from "../../base/ip.ts";
import type { Call } from "../call.ts";
import { fillIn } from "../negotiate/decode-body.ts";
import { createObject } from "../registry/create.ts";
import type { Registry } from "../registry/deps.ts";
import { heldObject } from "../registry/held.ts";
import { latestObject } from "../registry/objects.ts";
import { sameJson } from "../registry/paths.ts";
import { storeKey } from "../registry/resources.ts";
import { updateObject } from "../registry/update.ts";
import { ownObjects } from "./own-objects.ts";
import { ownServices } from "./own-services.ts";
import { systemCall } from "./system-call.ts";

/** Namespaces that are always there (Kubernetes docs, "Namespaces", "Initial namespaces"). */
const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease", "default"];

export interface BootstrapOptions {
  readonly serviceCidrs: readonly string[];
  /** The Service "kubernetes": where pods reach this server. */
  readonly advertiseAddress: string;
  readonly advertisePort: number;
}

/** Puts what every cluster has into the store, where it is missing. Roles that were changed get back what they lack. */
export async function bootstrap(registry: Registry, options: BootstrapOptions): Promise<void> {
  const { serviceCidrs } = options;
  for (const name of systemNamespaces) await ensure(registry, namespaceObject(name));
  for (const object of ownObjects()) {
    if (object.metadata.namespace) await ensure(registry, namespaceObject(object.metadata.namespace));
    await ensure(registry, object);
  }
  for (const object of ownServices(registry.catalog)) await ensure(registry, object);
  await ensureServiceCidr(registry, serviceCidrs);
  await advertise(registry, options);
}

/** Says where pods reach this server, by the Service "kubernetes". */
export async function advertise(registry: Registry, options: BootstrapOptions): Promise<void> {
  for (const object of kubernetesService(options)) await ensure(registry, object);
}

/** The Service through which pods reach the API, with its endpoints: this server. */
function kubernetesService({ serviceCidrs, advertiseAddress, advertisePort }: BootstrapOptions): AnyObject[] {
  const labels = { provider: "kubernetes", component: "apiserver" };
  const cidr = parseCidr(serviceCidrs[0] ?? "");
  if (!cidr) return [];
  const metadata = { name: "kubernetes", namespace: "default" };
  const port = { name: "https", port: advertisePort, protocol: "TCP" };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, labels },
    spec: {
      type: "ClusterIP",
      clusterIP: cidrAddress(cidr, 1),
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: advertisePort }],
      sessionAffinity: "None",
      ipFamilyPolicy: "SingleStack",
    },
  };
  // A machine without any network has a cluster of its own, in which no pod reaches the API.
  if (/^(127\.|::1$)/.test(advertiseAddress)) return [service];
  return [
    service,
    {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: { ...metadata, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
      subsets: [{ addresses: [{ ip: advertiseAddress }], ports: [port] }],
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": "kubernetes" } },
      addressType: advertiseAddress.includes(":") ? "IPv6" : "IPv4",
      endpoints: [{ addresses: [advertiseAddress], conditions: { ready: true } }],
      ports: [port],
    },
  ];
}

function namespaceObject(name: string): AnyObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function serviceCidrObject(cidrs: readonly string[]): AnyObject {
  return { apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name: "kubernetes" }, spec: { cidrs } };
}

/** The range of the cluster's own; a cluster of one IP family that has become one of both gets the second one. */
export async function ensureServiceCidr(registry: Registry, cidrs: readonly string[]): Promise<void> {
  const wanted = serviceCidrObject(cidrs);
  await ensure(registry, wanted);
  const resource = registry.catalog.ofKind(wanted.apiVersion, wanted.kind);
  const has = latestObject(registry.store, serviceCIDR, wanted.metadata)?.spec?.cidrs ?? cidrs;
  if (!resource || cidrs.length !== 2 || has.length !== 1 || has[0] !== cidrs[0]) return;
  const call = systemCall(resource, { name: wanted.metadata.name });
  await updateObject(registry, call, { change: (old) => ({ ...structuredClone(old), spec: { cidrs: [...cidrs] } }) });
}

/** Creates the object unless there is one; a role that lost rules gets them back, as "autoupdate" promises. */
export async function ensure(registry: Registry, object: AnyObject): Promise<void> {
  const { group, version } = groupVersionFrom(object.apiVersion);
  const resource = registry.catalog.ofKind(apiVersionOf({ group, version }), object.kind);
  if (!resource) return;
  const { namespace, name } = object.metadata;
  const call = { ...systemCall(resource, { namespace, name }), fieldManager: managerOf(group) };
  const entry = registry.store.latest(storeKey(resource, namespace, name));
  if (!entry) {
    fillIn(resource, object);
    try {
      await createObject(registry, call, object);
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
    }
    return;
  }
  const there = heldObject(entry);
  if (object.kind === "Endpoints" || object.kind === "EndpointSlice") return refreshed(registry, call, there, object);
  if (!isAutoupdated(there) || !lacks(there, object)) return;
  await updateObject(registry, call, { change: (old) => reconciled(old, object) });
}

/** The part of the server that makes flow schemas and priority levels. */
export const flowControlManager = "api-priority-and-fairness-config-producer-v1";

/** Which part of the server an object is from, as Kubernetes notes it. */
function managerOf(group: string): string {
  return group === "flowcontrol.apiserver.k8s.io" ? flowControlManager : "kube-apiserver";
}

/** The server's address may have changed since it last ran. */
async function refreshed(registry: Registry, call: Call, there: AnyObject, wanted: AnyObject): Promise<void> {
  const fields = ["subsets", "endpoints", "ports"].filter((field) => wanted[field] !== undefined);
  if (fields.every((field) => JSON.stringify(there[field]) === JSON.stringify(wanted[field]))) return;
  await updateObject(registry, call, {
    change: (old) => ({
      ...structuredClone(old),
      ...Object.fromEntries(fields.map((field) => [field, wanted[field]])),
    }),
  });
}

function isAutoupdated({ metadata }: AnyObject): boolean {
  return metadata.annotations?.["rbac.authorization.kubernetes.io/autoupdate"] === "true";
}

/** Whether rules or subjects that were there at first are missing; aggregated roles keep what controllers gave them. */
function lacks(there: AnyObject, wanted: AnyObject): boolean {
  return ["rules", "subjects"].some((field) => {
    const has = (there[field] ?? []) as unknown[];
    return ((wanted[field] ?? []) as unknown[]).some((item) => !has.some((other) => sameJson(item, other)));
  });
}

function reconciled(old: AnyObject, wanted: AnyObject): AnyObject {
  const next = structuredClone(old);
  for (const field of ["rules", "subjects"]) {
    const has = (next[field] ?? []) as unknown[];
    const missing = ((wanted[field] ?? []) as unknown[]).filter((item) => !has.some((other) => sameJson(item, other)));
    if (missing.length > 0) next[field] = [...has, ...missing];
  }
  return next;
}
