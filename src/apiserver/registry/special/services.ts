import { randomInt } from "node:crypto";
import { type FieldError, invalid, Path } from "../../../api/field.ts";
import { validateClusterIps } from "../../../api/kinds/core/service-rules.ts";
import type { AnyObject } from "../../../api/object.ts";
import { internalError, type StatusError } from "../../../api/status.ts";
import { type Cidr, cidrAddress, cidrContains, cidrSize, parseCidr, parseIp } from "../../../base/ip.ts";
import type { Store } from "../../../store/contract.ts";
import type { Reservation, Special } from "../deps.ts";
import { heldObject } from "../held.ts";

interface ServicePort {
  name?: string;
  port: number;
  protocol?: string;
  nodePort?: number;
}

export interface ServiceSpec {
  type?: string;
  clusterIP?: string;
  clusterIPs?: string[];
  ipFamilies?: string[];
  ipFamilyPolicy?: string;
  selector?: Record<string, string>;
  ports?: ServicePort[];
  externalTrafficPolicy?: string;
  healthCheckNodePort?: number;
  allocateLoadBalancerNodePorts?: boolean;
}

export interface ServiceAllocation {
  readonly store: Store;
  readonly serviceCidrs: readonly string[];
  readonly nodePorts: { readonly from: number; readonly to: number };
  /** Makes or removes the IPAddress object that says whose an address is. */
  readonly recordAddress: (ip: string, service: AnyObject) => Promise<void>;
  readonly forgetAddress: (ip: string) => Promise<void>;
}

const specAt = new Path("spec");
const ipsAt = new Path("spec.clusterIPs");
// The first addresses of a range are left to those who choose theirs themselves (KEP-3070).
const mostStaticAddresses = 256n;
const tries = 200;

/** Gives Services their addresses and node ports (Kubernetes docs, "Service ClusterIP allocation"). */
export class Services implements Special {
  readonly #options: ServiceAllocation;
  readonly #cidrs: readonly Cidr[];
  /** Taken by writes that are under way. */
  readonly #reserved = new Set<string>();

  constructor(options: ServiceAllocation) {
    this.#options = options;
    this.#cidrs = options.serviceCidrs.flatMap((text) => parseCidr(text) ?? []);
  }

  creating(_call: unknown, service: AnyObject): Reservation {
    return this.#allocate(service, undefined);
  }

  updating({ subresource }: { subresource: string | undefined }, service: AnyObject, old: AnyObject) {
    return subresource === undefined ? this.#allocate(service, old) : undefined;
  }

  async wrote(service: AnyObject, old: AnyObject | undefined): Promise<void> {
    const [now, before] = [addressesOf(service), old ? addressesOf(old) : []];
    for (const ip of now) {
      if (!before.includes(ip)) await this.#options.recordAddress(ip, service);
      this.#reserved.delete(ip);
    }
    for (const port of portsOf(service)) this.#reserved.delete(port);
    for (const ip of before) if (!now.includes(ip)) await this.#options.forgetAddress(ip);
  }

  async deleted(service: AnyObject): Promise<void> {
    for (const ip of addressesOf(service)) await this.#options.forgetAddress(ip);
  }

  #allocate(service: AnyObject, old: AnyObject | undefined): Reservation {
    const taken: string[] = [];
    const reserve = (what: string): void => {
      this.#reserved.add(what);
      taken.push(what);
    };
    const reservation = {
      release: () => {
        for (const what of taken) this.#reserved.delete(what);
      },
    };
    try {
      this.#allocateAddresses(service, old, reserve);
      this.#allocatePorts(service, old, reserve);
    } catch (error) {
      reservation.release();
      throw error;
    }
    return reservation;
  }

  #allocateAddresses(service: AnyObject, old: AnyObject | undefined, reserve: (ip: string) => void): void {
    const spec = service.spec as ServiceSpec | undefined;
    if (!spec || spec.type === "ExternalName") return;
    // Nothing can be given to what contradicts itself.
    refuse(service, validateClusterIps(spec, specAt));
    this.#chooseFamilies(service, spec);
    if (spec.clusterIP === "None" || !spec.ipFamilies) return;
    const own = old ? addressesOf(old) : [];
    const ips = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
    for (const [i, family] of spec.ipFamilies.entries()) {
      const asked = ips[i];
      if (asked === undefined) ips[i] = this.#freeAddress(family);
      else if (own.includes(asked)) continue;
      else this.#refuseUnusable(service, ips, asked);
      reserve(ips[i] ?? "");
    }
    spec.clusterIPs = ips;
    spec.clusterIP = ips[0] ?? "";
  }

  #chooseFamilies(service: AnyObject, spec: ServiceSpec): void {
    const primary = familyName(this.#cidrs[0]?.family ?? 4);
    const offered = this.#cidrs.map(({ family }) => familyName(family));
    const isHeadless = spec.clusterIP === "None";
    const asked = (spec.clusterIPs ?? []).flatMap((ip) => parseIp(ip) ?? []).map(({ family }) => familyName(family));
    if (isHeadless && Object.keys(spec.selector ?? {}).length === 0) {
      // Nobody knows what its endpoints will be: all families are possible.
      spec.ipFamilyPolicy ??= "RequireDualStack";
      spec.ipFamilies ??= [primary, primary === "IPv4" ? "IPv6" : "IPv4"];
      return;
    }
    spec.ipFamilyPolicy ??= asked.length > 1 || (spec.ipFamilies?.length ?? 0) > 1 ? "RequireDualStack" : "SingleStack";
    if (spec.ipFamilyPolicy === "RequireDualStack" && offered.length < 2)
      refuse(service, [
        specAt
          .child("ipFamilyPolicy")
          .invalid(spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services"),
      ]);
    spec.ipFamilies ??= asked.length > 0 ? asked : [primary];
    refuse(
      service,
      spec.ipFamilies.flatMap((family, i) =>
        offered.includes(family)
          ? []
          : [specAt.child("ipFamilies").index(i).invalid(family, "not configured on this cluster")],
      ),
    );
    if (spec.ipFamilyPolicy === "SingleStack") return;
    const second = spec.ipFamilies[0] === "IPv4" ? "IPv6" : "IPv4";
    if (spec.ipFamilies.length === 1 && offered.includes(second)) spec.ipFamilies = [...spec.ipFamilies, second];
  }

  #refuseUnusable(service: AnyObject, ips: readonly string[], asked: string): void {
    const refuse = (why: string): StatusError =>
      invalid({ group: "", kind: "Service" }, service.metadata.name, [
        ipsAt.invalid(ips, `failed to allocate IP ${asked}: ${why}`),
      ]);
    const ip = parseIp(asked);
    // What is no address is for validation to say.
    if (!ip) return;
    const cidr = this.#cidrs.find((range) => cidrContains(range, ip));
    // The first address of a range is the network's own, the last of one of IPv4 that of all.
    const last = cidr?.family === 4 ? cidrAddress(cidr, cidrSize(cidr) - 1n) : undefined;
    if (!cidr || asked === cidrAddress(cidr, 0n) || asked === last)
      throw refuse("the provided network does not match the current range");
    if (this.#isTaken(asked)) throw refuse("provided IP is already allocated");
  }

  #isTaken(ip: string): boolean {
    return this.#reserved.has(ip) || this.#options.store.latest(`/ipaddresses.networking.k8s.io/${ip}`) !== undefined;
  }

  #freeAddress(family: string): string {
    const cidr = this.#cidrs.find((candidate) => familyName(candidate.family) === family);
    if (!cidr) throw internalError(`there is no service range for ${family}`);
    const size = cidrSize(cidr);
    const half = size / 16n;
    const statics = half < 16n ? 16n : half > mostStaticAddresses ? mostStaticAddresses : half;
    const first = size > statics * 2n ? statics : 1n;
    const span = Number(size - first - 1n > 2n ** 40n ? 2n ** 40n : size - first - 1n);
    for (let i = 0; i < tries; i++) {
      const ip = cidrAddress(cidr, first + BigInt(randomInt(Math.max(1, span))));
      if (!this.#isTaken(ip)) return ip;
    }
    for (let offset = 1n; offset < size - 1n; offset++) {
      const ip = cidrAddress(cidr, offset);
      if (!this.#isTaken(ip)) return ip;
    }
    throw internalError("failed to allocate a serviceIP: range is full");
  }

  #allocatePorts(service: AnyObject, old: AnyObject | undefined, reserve: (port: string) => void): void {
    const spec = service.spec as ServiceSpec | undefined;
    if (!spec || !wantsNodePorts(spec)) return;
    const own = old ? portsOf(old) : [];
    const used = this.#usedPorts();
    const { from, to } = this.#options.nodePorts;
    for (const [i, port] of (spec.ports ?? []).entries()) {
      const at = new Path("spec").child("ports").index(i).child("nodePort");
      const refuse = (why: string): StatusError =>
        invalid({ group: "", kind: "Service" }, service.metadata.name, [at.invalid(port.nodePort, why)]);
      if (!port.nodePort) port.nodePort = this.#freePort(used, port, spec.ports ?? []);
      else if (own.includes(portKey(port))) continue;
      else if (port.nodePort < from || port.nodePort > to)
        throw refuse(`provided port is not in the valid range. The range of valid ports is ${from}-${to}`);
      else if (used.has(portKey(port)) || this.#reserved.has(portKey(port)))
        throw refuse("provided port is already allocated");
      used.add(portKey(port));
      reserve(portKey(port));
    }
    if (spec.type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local") return;
    spec.healthCheckNodePort ||= this.#freePort(used, { port: 0 }, []);
    reserve(portKey({ port: 0, nodePort: spec.healthCheckNodePort }));
  }

  /** The same number for the same port in another protocol, as DNS wants it; otherwise any that is free. */
  #freePort(used: ReadonlySet<string>, { port, protocol, name }: ServicePort, all: readonly ServicePort[]): number {
    const { from, to } = this.#options.nodePorts;
    const isFree = (nodePort: number): boolean => {
      const key = portKey({ port, nodePort, ...(protocol && { protocol }) });
      return !used.has(key) && !this.#reserved.has(key);
    };
    const twin = all.find((other) => other.port === port && other.name !== name && other.nodePort);
    if (twin?.nodePort && isFree(twin.nodePort)) return twin.nodePort;
    for (let i = 0; i < tries; i++) {
      const nodePort = randomInt(from, to + 1);
      if (isFree(nodePort)) return nodePort;
    }
    for (let nodePort = from; nodePort <= to; nodePort++) if (isFree(nodePort)) return nodePort;
    throw internalError("failed to allocate a nodePort: range is full");
  }

  #usedPorts(): Set<string> {
    return new Set(this.#options.store.list("/services/").entries.flatMap((entry) => portsOf(heldObject(entry))));
  }
}

/** @throws {StatusError} Invalid, when there is something wrong */
function refuse({ metadata }: AnyObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: "", kind: "Service" }, metadata.name, errors);
}

function familyName(family: 4 | 6): string {
  return family === 4 ? "IPv4" : "IPv6";
}

function wantsNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);
}

function addressesOf({ spec }: AnyObject): string[] {
  return ((spec as ServiceSpec | undefined)?.clusterIPs ?? []).filter((ip) => ip !== "None" && ip !== "");
}

function portKey({ protocol = "TCP", nodePort }: ServicePort): string {
  return `${protocol} ${nodePort}`;
}

function portsOf({ spec }: AnyObject): string[] {
  const { ports = [], healthCheckNodePort } = (spec ?? {}) as ServiceSpec;
  const keys = ports.filter(({ nodePort }) => nodePort).map(portKey);
  return healthCheckNodePort ? [...keys, portKey({ port: 0, nodePort: healthCheckNodePort })] : keys;
}
