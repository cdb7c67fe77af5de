import type { AnyObject } from "../../../api/object.ts";
import { isReason } from "../../../api/status.ts";
import type { Authorizer } from "../../authorize/attributes.ts";
import type { RbacAuthorizer } from "../../authorize/rbac.ts";
import { ensureServiceCidr } from "../../system/bootstrap.ts";
import { systemCall } from "../../system/system-call.ts";
import { createObject } from "../create.ts";
import { deleteObject } from "../delete.ts";
import type { Registry, Special } from "../deps.ts";
import { namespaces } from "./namespaces.ts";
import { roleBindings, roles } from "./roles.ts";
import { Services } from "./services.ts";

export interface SpecialSurroundings {
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
  readonly serviceCidrs: readonly string[];
  readonly nodePorts: { readonly from: number; readonly to: number };
  /** Called once all parts are there. */
  readonly registry: () => Registry;
  readonly store: Registry["store"];
}

/** By bucket: the kinds for which the server does more than store them. */
export function specialsFor(surroundings: SpecialSurroundings): ReadonlyMap<string, Special> {
  const { store, serviceCidrs, nodePorts, registry } = surroundings;
  const services = new Services({
    store,
    serviceCidrs,
    nodePorts,
    recordAddress: (ip, service) => recordAddress(registry(), ip, service),
    forgetAddress: (ip) => forgetAddress(registry(), ip),
  });
  const group = "rbac.authorization.k8s.io";
  return new Map<string, Special>([
    ["namespaces", namespaces],
    ["services", services],
    ["servicecidrs.networking.k8s.io", defaultServiceCidr(registry, serviceCidrs)],
    [`roles.${group}`, roles(surroundings)],
    [`clusterroles.${group}`, roles(surroundings)],
    [`rolebindings.${group}`, roleBindings(surroundings)],
    [`clusterrolebindings.${group}`, roleBindings(surroundings)],
  ]);
}

/** The cluster's own range comes back when it was deleted: without one no Service could have an address. */
function defaultServiceCidr(registry: () => Registry, cidrs: readonly string[]): Special {
  return {
    deleted: ({ metadata }) => (metadata.name === "kubernetes" ? ensureServiceCidr(registry(), cidrs) : undefined),
  };
}

async function recordAddress(registry: Registry, ip: string, { metadata }: AnyObject): Promise<void> {
  const resource = registry.catalog.find("networking.k8s.io", "v1", "ipaddresses");
  if (!resource) return;
  const object: AnyObject = {
    apiVersion: "networking.k8s.io/v1",
    kind: "IPAddress",
    metadata: {
      name: ip,
      labels: {
        "ipaddress.kubernetes.io/ip-family": ip.includes(":") ? "IPv6" : "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
      },
    },
    spec: { parentRef: { resource: "services", namespace: metadata.namespace, name: metadata.name } },
  };
  await createObject(registry, systemCall(resource, { name: undefined }), object);
}

async function forgetAddress(registry: Registry, ip: string): Promise<void> {
  const resource = registry.catalog.find("networking.k8s.io", "v1", "ipaddresses");
  if (!resource) return;
  try {
    await deleteObject(registry, systemCall(resource, { name: ip }));
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
