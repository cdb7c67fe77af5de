import { type FieldError, invalid, Path } from "../../../api/field.ts";
import { validateClusterIps } from "../../../api/kinds/core/service-rules.ts";
import type { AnyObject } from "../../../api/object.ts";
import { parseCidr, parseIp } from "../../../base/ip.ts";
import type { Store } from "../../../store/contract.ts";
import type { Reservation, Special } from "../deps.ts";
import { heldObject } from "../held.ts";
import { ServiceAddresses } from "./service-addresses.ts";
import { type PortRange, ServicePorts } from "./service-ports.ts";

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
  /** What the server was told: of these families Services may be, the first one unless they say. */
  readonly serviceCidrs: readonly string[];
  readonly nodePorts: PortRange;
  /** Makes or removes the IPAddress object that says whose an address is. */
  readonly recordAddress: (ip: string, service: AnyObject) => Promise<void>;
  readonly forgetAddress: (ip: string) => Promise<void>;
}

const specAt = new Path("spec");
const ipsAt = new Path("spec.clusterIPs");

/** Gives Services their addresses and node ports (Kubernetes docs, "Service ClusterIP allocation"). */
export class Services implements Special {
  readonly #options: ServiceAllocation;
  /** The IP families that Services may be of, the first one unless they say. */
  readonly #families: readonly Family[];
  readonly #addresses: ServiceAddresses;
  readonly #ports: ServicePorts;

  constructor(options: ServiceAllocation) {
    const { store, nodePorts, serviceCidrs } = options;
    this.#options = options;
    this.#families = serviceCidrs.flatMap((text) => parseCidr(text) ?? []).map(({ family }) => familyName(family));
    this.#addresses = new ServiceAddresses(store);
    const stored = () => store.list("/services/").entries.flatMap((entry) => portsOf(heldObject(entry)));
    this.#ports = new ServicePorts(nodePorts, () => new Set(stored()));
  }

  creating(_call: unknown, service: AnyObject): Reservation {
    return this.#allocate(service, undefined);
  }

  updating({ subresource }: { subresource: string | undefined }, service: AnyObject, old: AnyObject) {
    return subresource === undefined ? this.#allocate(service, old) : undefined;
  }

  async wrote(service: AnyObject, old: AnyObject | undefined): Promise<void> {
    const now = addressesOf(service);
    for (const ip of old ? addressesOf(old) : []) if (!now.includes(ip)) await this.#options.forgetAddress(ip);
  }

  async deleted(service: AnyObject): Promise<void> {
    for (const ip of addressesOf(service)) await this.#options.forgetAddress(ip);
  }

  #allocate(service: AnyObject, old: AnyObject | undefined): Reservation {
    const taken = new Taken(service, this.#addresses, this.#ports, this.#options);
    try {
      this.#allocateAddresses(service, old, taken);
      this.#allocatePorts(service, old, taken);
    } catch (error) {
      taken.letGo();
      throw error;
    }
    return taken;
  }

  #allocateAddresses(service: AnyObject, old: AnyObject | undefined, taken: Taken): void {
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
      if (asked !== undefined && own.includes(asked)) continue;
      if (asked === undefined) ips[i] = this.#addresses.free(family === "IPv4" ? 4 : 6);
      else this.#refuseUnusable(service, ips, asked);
      taken.address(ips[i] ?? "");
    }
    spec.clusterIPs = ips;
    spec.clusterIP = ips[0] ?? "";
  }

  #chooseFamilies(service: AnyObject, spec: ServiceSpec): void {
    const offered = this.#families;
    const [primary = "IPv4"] = offered;
    const isHeadless = spec.clusterIP === "None";
    this.#refuseFamilies(service, spec);
    if (isHeadless && Object.keys(spec.selector ?? {}).length === 0) {
      // Nobody knows what its endpoints will be: all families are possible.
      spec.ipFamilyPolicy ??= "RequireDualStack";
      const [first = primary] = spec.ipFamilies ?? [];
      if (spec.ipFamilyPolicy === "SingleStack") spec.ipFamilies = [first];
      else if (spec.ipFamilies?.length !== 2) spec.ipFamilies = [first, first === "IPv4" ? "IPv6" : "IPv4"];
      return;
    }
    refuse(service, [
      ...(spec.ipFamilyPolicy === "RequireDualStack" && offered.length < 2
        ? [
            specAt
              .child("ipFamilyPolicy")
              .invalid(spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services"),
          ]
        : []),
      ...(spec.ipFamilies ?? []).flatMap((family, i) =>
        offered.includes(family as Family)
          ? []
          : [specAt.child("ipFamilies").index(i).invalid(family, "not configured on this cluster")],
      ),
    ]);
    spec.ipFamilyPolicy ??= "SingleStack";
    if (!spec.ipFamilies?.length) spec.ipFamilies = [primary];
    if (spec.ipFamilyPolicy === "SingleStack") return;
    const second = spec.ipFamilies[0] === "IPv4" ? "IPv6" : "IPv4";
    if (spec.ipFamilies.length === 1 && offered.includes(second)) spec.ipFamilies = [...spec.ipFamilies, second];
  }

  /** Takes families and policy from what else the Service says, and refuses what contradicts it. */
  #refuseFamilies(service: AnyObject, spec: ServiceSpec): void {
    const ips = spec.clusterIP === "None" ? [] : (spec.clusterIPs ?? []);
    const given = spec.ipFamilies ?? [];
    if (ips.length === 2 || given.length === 2) spec.ipFamilyPolicy ??= "RequireDualStack";
    const needsTwo = (what: string) =>
      specAt
        .child("ipFamilyPolicy")
        .invalid(
          spec.ipFamilyPolicy,
          `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
        );
    const errors: FieldError[] = [];
    if (spec.ipFamilyPolicy === "SingleStack" && ips.length === 2) errors.push(needsTwo("cluster IPs"));
    if (spec.ipFamilyPolicy === "SingleStack" && given.length === 2) errors.push(needsTwo("IP families"));
    const families = ips.slice(given.length).map((ip) => familyName(parseIp(ip)?.family === 6 ? 6 : 4));
    for (const [i, family] of families.entries())
      if (!this.#families.includes(family))
        errors.push(ipsAt.index(given.length + i).invalid(ips, `${family} is not configured on this cluster`));
    refuse(service, errors);
    if (families.length > 0) spec.ipFamilies = [...given, ...families];
  }

  #refuseUnusable(service: AnyObject, ips: readonly string[], asked: string): void {
    // What is no address is for validation to say.
    const why = parseIp(asked) && this.#addresses.refusalOf(asked);
    if (why) refuse(service, [ipsAt.invalid(ips, `failed to allocate IP ${asked}: ${why}`)]);
  }

  /** Ports that are asked for are respected also where none would be given. */
  #allocatePorts(service: AnyObject, old: AnyObject | undefined, taken: Taken): void {
    const spec = service.spec as ServiceSpec | undefined;
    if (!spec || !mayHaveNodePorts(spec)) return;
    const mine = new Set(old ? portsOf(old) : []);
    const take = (port: number, at: Path): number => {
      const why = mine.has(port) ? undefined : this.#ports.refusalOf(port);
      if (why) refuse(service, [at.invalid(port, why)]);
      if (!mine.has(port)) taken.port(port);
      return port;
    };
    const { ports = [] } = spec;
    const numbers = new Map<number, number>();
    for (const [i, port] of ports.entries()) {
      const first = numbers.get(port.port);
      const wanted = port.nodePort || first || sameNumber(port, ports);
      if (!wanted && !givesNodePorts(spec)) continue;
      // One number of the Service has one on the nodes, for all its protocols.
      port.nodePort =
        wanted && wanted === first
          ? wanted
          : take(wanted || this.#ports.free(), specAt.child("ports").index(i).child("nodePort"));
      numbers.set(port.port, first ?? port.nodePort);
    }
    if (spec.type !== "LoadBalancer" || spec.externalTrafficPolicy !== "Local") return;
    spec.healthCheckNodePort = take(
      spec.healthCheckNodePort || this.#ports.free(),
      specAt.child("healthCheckNodePort"),
    );
  }
}

/** What one write takes, until it is written or given up. */
class Taken implements Reservation {
  readonly #service: AnyObject;
  readonly #addresses: ServiceAddresses;
  readonly #ports: ServicePorts;
  readonly #records: Pick<ServiceAllocation, "recordAddress" | "forgetAddress">;
  readonly #ips: string[] = [];
  readonly #numbers: number[] = [];
  #recorded: string[] = [];

  constructor(
    service: AnyObject,
    addresses: ServiceAddresses,
    ports: ServicePorts,
    records: Pick<ServiceAllocation, "recordAddress" | "forgetAddress">,
  ) {
    this.#service = service;
    this.#addresses = addresses;
    this.#ports = ports;
    this.#records = records;
  }

  address(ip: string): void {
    this.#addresses.reserve(ip);
    this.#ips.push(ip);
  }

  port(port: number): void {
    this.#ports.reserve(port);
    this.#numbers.push(port);
  }

  /** Before the Service: an address that belongs to nobody is found and given back, one without a record is given twice. */
  async record(): Promise<void> {
    await this.#forget();
    for (const ip of this.#ips) {
      await this.#records.recordAddress(ip, this.#service);
      this.#recorded.push(ip);
    }
  }

  async release(isWritten: boolean): Promise<void> {
    if (!isWritten) await this.#forget();
    this.letGo();
  }

  letGo(): void {
    for (const ip of this.#ips) this.#addresses.release(ip);
    for (const port of this.#numbers) this.#ports.release(port);
  }

  async #forget(): Promise<void> {
    const recorded = this.#recorded;
    this.#recorded = [];
    for (const ip of recorded) await this.#records.forgetAddress(ip);
  }
}

type Family = "IPv4" | "IPv6";

/** @throws {StatusError} Invalid, when there is something wrong */
function refuse({ metadata }: AnyObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: "", kind: "Service" }, metadata.name, errors);
}

function familyName(family: 4 | 6): Family {
  return family === 4 ? "IPv4" : "IPv6";
}

function mayHaveNodePorts({ type }: ServiceSpec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

function givesNodePorts({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean {
  return type === "NodePort" || allocateLoadBalancerNodePorts !== false;
}

/** The node port that the same port has in another protocol, as DNS wants it. */
function sameNumber({ port, protocol }: ServicePort, all: readonly ServicePort[]): number | undefined {
  return all.find((other) => other.port === port && other.protocol !== protocol && other.nodePort)?.nodePort;
}

function addressesOf({ spec }: AnyObject): string[] {
  return ((spec as ServiceSpec | undefined)?.clusterIPs ?? []).filter((ip) => ip !== "None" && ip !== "");
}

function portsOf({ spec }: AnyObject): number[] {
  const { ports = [], healthCheckNodePort } = (spec ?? {}) as ServiceSpec;
  return [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort].flatMap((port) => port || []);
}
