import type { IPAddress, ParentReference, Service, ServiceCIDR } from "../../api/schema/types.ts";
import { cidrContains, parseIp } from "../../base/ip.ts";
import type { PortRange } from "../options.ts";
import { isGivenToService, rangesOf } from "../service-cidr/decide.ts";

export interface News {
  readonly reason: string;
  readonly message: string;
}

/** What is wrong with an address of a Service, and what becomes of the object that says whose it is. */
export interface AddressFault {
  readonly news?: News;
  readonly repair: "nothing" | "create" | "recreate";
}

/** `record`: the IPAddress of this address; `holder`: the Service that it names. */
export interface ObservedAddress {
  readonly service: Service;
  readonly address: string;
  readonly cidrs: readonly ServiceCIDR[];
  readonly record: IPAddress | undefined;
  readonly holder: Service | undefined;
}

/** The addresses that a Service was given. */
export function addressesOf({ spec }: Service): readonly string[] {
  if (!spec || spec.type === "ExternalName" || !spec.clusterIP || spec.clusterIP === "None") return [];
  return spec.clusterIPs ?? [];
}

/** Whether the Service's address and the IPAddress of that name are of each other. */
export function addressFault({ service, address, cidrs, record, holder }: ObservedAddress): AddressFault | undefined {
  const ip = parseIp(address);
  if (!ip)
    return {
      news: {
        reason: "ClusterIPNotValid",
        message: `Cluster IP ${address} is not a valid IP; please recreate Service`,
      },
      repair: "nothing",
    };
  const family = ip.family === 4 ? "IPv4" : "IPv6";
  const { namespace = "", name } = service.metadata;
  if (!cidrs.flatMap(rangesOf).some((range) => cidrContains(range, ip)))
    return {
      news: {
        reason: "ClusterIPOutOfRange",
        message: `Cluster IP [${family}]: ${address} is not within any configured Service CIDR; please recreate service`,
      },
      repair: "nothing",
    };
  const notAllocated = (message: string): News => ({ reason: "ClusterIPNotAllocated", message });
  if (!record)
    return {
      news: notAllocated(`Cluster IP [${family}]: ${address} is not allocated; repairing`),
      repair: "create",
    };
  const parent = record.spec?.parentRef;
  const isOurs = isService(parent) && parent.namespace === namespace && parent.name === name;
  if (!isOurs && holder && isService(parent)) {
    // Two Services have the address: taking it from the other would go back and forth.
    const message = `Cluster IP [${family}]:${address} was assigned to multiple services; please recreate service`;
    if (addressesOf(holder).includes(address))
      return { news: { reason: "ClusterIPAlreadyAllocated", message }, repair: "nothing" };
  }
  if (!isOurs)
    return {
      news: notAllocated(
        `the ClusterIP [${family}]: ${address} for Service ${namespace}/${name} has a wrong reference; repairing`,
      ),
      repair: "recreate",
    };
  const isLabelled = record.metadata.labels?.["ipaddress.kubernetes.io/ip-family"] === family;
  return isLabelled && isGivenToService(record) ? undefined : { repair: "recreate" };
}

/** The object that says whose an address is. */
export function recordOf(address: string, { metadata }: Service): Pick<IPAddress, "spec"> & { metadata: object } {
  return {
    metadata: {
      name: address,
      labels: {
        "ipaddress.kubernetes.io/ip-family": address.includes(":") ? "IPv6" : "IPv4",
        "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
      },
    },
    spec: { parentRef: { resource: "services", namespace: metadata.namespace ?? "", name: metadata.name } },
  };
}

/** `news`: the object is to be deleted, and this is why; `againMs`: it is too young to tell. */
export type RecordVerdict = { readonly news: News } | { readonly againMs: number } | "fine";

/** As long as a request may take: an address is written down before the Service that gets it. */
const graceMs = 60_000;
/** The same where the Service is there and is only being changed. */
const changeMs = 5_000;

/** Whether an IPAddress that was made for a Service is still of one; `parent`: the Service that it names. */
export function judgeRecord(record: IPAddress, parent: Service | undefined, nowMs: number): RecordVerdict {
  if (!isGivenToService(record)) return "fine";
  const { name: address, creationTimestamp = "" } = record.metadata;
  const of = record.spec?.parentRef;
  if (!isService(of)) {
    const message = `IPAddress ${address} appears to have been modified, not referencing a Service ${parentText(of)}: cleaning up`;
    return { news: { reason: "IPAddressNotAllocated", message } };
  }
  if (parent && addressesOf(parent).includes(address)) return "fine";
  const againMs = Date.parse(creationTimestamp) + (parent ? changeMs : graceMs) - nowMs;
  if (againMs > 0) return { againMs };
  const what = `IPAddress: ${address} for Service ${of.namespace}/${of.name}`;
  return parent
    ? { news: { reason: "IPAddressWrongReference", message: `${what} has a wrong reference; cleaning up` } }
    : { news: { reason: "IPAddressNotAllocated", message: `${what} appears to have leaked: cleaning up` } };
}

export function isService(parent: ParentReference | undefined): parent is ParentReference {
  return parent !== undefined && !parent.group && parent.resource === "services";
}

function parentText(parent: ParentReference | undefined): string {
  if (!parent) return "<nil>";
  const { group = "", resource, namespace = "", name } = parent;
  return `&ParentReference{Group:${group},Resource:${resource},Namespace:${namespace},Name:${name},}`;
}

/** What is wrong with the node ports of a Service. `others`: Services that came before it in the order of their names. */
export function portFaults(service: Service, others: readonly Service[], { from, to }: PortRange): News[] {
  const taken = new Set(others.flatMap(nodePortsOf));
  return nodePortsOf(service).flatMap((port): News[] => {
    if (port < from || port > to)
      return [
        {
          reason: "PortOutOfRange",
          message: `Port ${port} is not within the port range ${from}-${to}; please recreate service`,
        },
      ];
    if (!taken.has(port)) return [];
    const message = `Port ${port} was assigned to multiple services; please recreate service`;
    return [{ reason: "PortAlreadyAllocated", message }];
  });
}

/** Each number once: a Service may use one for several protocols. */
export function nodePortsOf({ spec }: Service): number[] {
  const ports = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort];
  return [...new Set(ports.flatMap((port) => port || []))];
}
