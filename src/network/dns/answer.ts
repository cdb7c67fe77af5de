import type { Answer, Question } from "dns-packet";
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice, Service } from "../../api/schema/types.ts";
import { parseIp } from "../../base/ip.ts";
import { clusterIpsOf, isHeadless } from "../service-facts.ts";
import { type ClusterName, clusterNameFrom, dashesFrom, ipFromReverse, type PortName } from "./names.ts";

/** What the answers are made of: the cluster as the informers hold it. */
export interface ClusterRecords {
  hasNamespace(namespace: string): boolean;
  service(namespace: string, name: string): Service | undefined;
  /** The slices of a Service's endpoints. */
  slices(namespace: string, service: string): readonly EndpointSlice[];
  /** The Services that have this cluster IP. */
  servicesAt(ip: string): readonly Service[];
  /** The slices with an endpoint of this address. */
  slicesAt(ip: string): readonly EndpointSlice[];
}

export interface ClusterAnswer {
  readonly rcode: "NOERROR" | "NXDOMAIN";
  readonly answers: readonly Answer[];
  readonly additionals: readonly Answer[];
  /** The name that the answer's alias leads to; whoever asked wants its addresses too. */
  readonly alias?: string;
}

/** How long clients may keep an answer, in seconds: endpoints come and go. */
export const clusterTtl = 5;

const nothing: ClusterAnswer = { rcode: "NOERROR", answers: [], additionals: [] };
const unknown: ClusterAnswer = { rcode: "NXDOMAIN", answers: [], additionals: [] };

/**
 * Answers a question about the cluster's names (Kubernetes docs, "DNS for Services and Pods", and the specification
 * "Kubernetes DNS-Based Service Discovery", version 1.1.0). Undefined: the question is not about the cluster.
 */
export function answerQuestion(question: Question, records: ClusterRecords, domain: string): ClusterAnswer | undefined {
  const reverse = ipFromReverse(question.name);
  if (reverse) return question.type === "PTR" ? answerReverse(question, reverse, records, domain) : undefined;
  const name = clusterNameFrom(question.name, domain);
  return name && answerName(question, name, records, domain);
}

/** The domain's SOA record: it goes with every answer that says no, so that the no is not kept for long. */
export function soaOf(domain: string, serial: number): Answer {
  return {
    type: "SOA",
    name: domain,
    ttl: clusterTtl,
    data: {
      mname: `ns.dns.${domain}`,
      rname: `hostmaster.${domain}`,
      serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: clusterTtl,
    },
  };
}

function answerName(question: Question, name: ClusterName, records: ClusterRecords, domain: string): ClusterAnswer {
  switch (name.sort) {
    case "unknown":
      return unknown;
    case "domain":
      return answerDomain(question, name.name, domain);
    case "namespace":
      return records.hasNamespace(name.namespace) ? nothing : unknown;
    case "pod":
      return records.hasNamespace(name.namespace) ? found(addresses(question, question.name, [name.ip])) : unknown;
    case "endpoint":
    case "service":
      return answerService(question, name, records, domain);
  }
}

function answerDomain(question: Question, name: string, domain: string): ClusterAnswer {
  const { type } = question;
  if (name === "dns-version" && wants(type, "TXT")) {
    return found([{ type: "TXT", name: question.name, ttl: clusterTtl, data: "1.1.0" }]);
  }
  if (name === "" && wants(type, "SOA")) return found([soaOf(domain, 1)]);
  if (name === "" && wants(type, "NS")) {
    return found([{ type: "NS", name: question.name, ttl: clusterTtl, data: `ns.dns.${domain}` }]);
  }
  return nothing;
}

function answerService(
  question: Question,
  name: Extract<ClusterName, { sort: "service" | "endpoint" }>,
  records: ClusterRecords,
  domain: string,
): ClusterAnswer {
  const service = records.service(name.namespace, name.service);
  if (!service) return unknown;
  const port = name.sort === "service" ? name.port : undefined;
  if (service.spec.type === "ExternalName") {
    const alias = service.spec.externalName;
    if (name.sort === "endpoint" || !alias) return unknown;
    if (parseIp(alias)) return found(addresses(question, question.name, [alias]));
    return { ...found([{ type: "CNAME", name: question.name, ttl: clusterTtl, data: alias }]), alias };
  }
  const under = `${name.service}.${name.namespace}.svc.${domain}`;
  const places =
    isHeadless(service) || name.sort === "endpoint"
      ? endpointPlaces(records.slices(name.namespace, name.service), under, port)
      : servicePlaces(service, under, port);
  const asked = name.sort === "endpoint" ? places.filter(({ label }) => label === name.endpoint) : places;
  if (asked.length === 0) return unknown;
  const hosts = [...new Set(asked.map(({ ip }) => ip))];
  return {
    rcode: "NOERROR",
    answers: [...addresses(question, question.name, hosts), ...serviceRecords(question, asked)],
    additionals: question.type === "SRV" ? targetAddresses(asked) : [],
  };
}

/** Something that a Service's name leads to. */
interface Place {
  /** Its name, as a target of SRV records. */
  readonly target: string;
  /** The first part of that name, when it stands for an endpoint. */
  readonly label: string;
  readonly ip: string;
  /** Absent for endpoints of a Service without ports. */
  readonly port: number | undefined;
}

function servicePlaces(service: Service, target: string, port: PortName | undefined): Place[] {
  const ports = (service.spec.ports ?? []).filter((candidate) => matches(candidate, port));
  return ports.flatMap((own) => clusterIpsOf(service).map((ip) => ({ target, label: "", ip, port: own.port })));
}

function endpointPlaces(slices: readonly EndpointSlice[], under: string, port: PortName | undefined): Place[] {
  return slices.flatMap((slice) => {
    const own = (slice.ports ?? []).filter((candidate) => matches(candidate, port));
    const numbers = own.length > 0 ? own.map(({ port }) => port) : port ? [] : [undefined];
    return readyEndpoints(slice).flatMap((endpoint) => {
      const label = labelOf(endpoint);
      return endpoint.addresses.flatMap((ip) =>
        numbers.map((number) => ({ target: `${label}.${under}`, label, ip, port: number })),
      );
    });
  });
}

/** Endpoints of Services with `publishNotReadyAddresses` are marked ready by who makes the slices. */
function readyEndpoints({ endpoints, addressType }: EndpointSlice): Endpoint[] {
  if (addressType === "FQDN") return [];
  return (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
}

function labelOf({ hostname, addresses }: Endpoint): string {
  return hostname?.toLowerCase() || dashesFrom(addresses[0] ?? "");
}

function matches(candidate: DiscoveryV1EndpointPort, port: PortName | undefined): boolean {
  if (!port) return true;
  const protocol = (candidate.protocol ?? "TCP").toLowerCase();
  return (candidate.name ?? "").toLowerCase() === port.name && protocol === port.protocol;
}

function serviceRecords({ type, name }: Question, places: readonly Place[]): Answer[] {
  if (!wants(type, "SRV")) return [];
  const targets = new Map(places.flatMap((p) => (p.port === undefined ? [] : [[`${p.target} ${p.port}`, p] as const])));
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.size)));
  return [...targets.values()].map(({ target, port = 0 }) => ({
    type: "SRV",
    name,
    ttl: clusterTtl,
    data: { priority: 0, weight, port, target },
  }));
}

function targetAddresses(places: readonly Place[]): Answer[] {
  const each = new Map(places.map(({ target, ip }) => [`${target} ${ip}`, { target, ip }]));
  return [...each.values()].map(({ target, ip }) => addressRecord(target, ip));
}

function answerReverse(
  question: Question,
  ip: string,
  records: ClusterRecords,
  domain: string,
): ClusterAnswer | undefined {
  const services = records
    .servicesAt(ip)
    .map(({ metadata: { namespace, name } }) => `${name}.${namespace}.svc.${domain}`);
  const names = services.length > 0 ? services : endpointNames(ip, records, domain);
  if (names.length === 0) return undefined;
  return found([...new Set(names)].map((data) => ({ type: "PTR", name: question.name, ttl: clusterTtl, data })));
}

function endpointNames(ip: string, records: ClusterRecords, domain: string): string[] {
  return records.slicesAt(ip).flatMap((slice) => {
    const { namespace, labels } = slice.metadata;
    const service = labels?.["kubernetes.io/service-name"];
    const own = readyEndpoints(slice).filter(({ addresses }) => addresses.includes(ip));
    return service ? own.map((endpoint) => `${labelOf(endpoint)}.${service}.${namespace}.svc.${domain}`) : [];
  });
}

/** The records for those of the addresses that have the family asked for. */
function addresses({ type }: Question, name: string, ips: readonly string[]): Answer[] {
  return ips.filter((ip) => wants(type, parseIp(ip)?.family === 6 ? "AAAA" : "A")).map((ip) => addressRecord(name, ip));
}

function addressRecord(name: string, ip: string): Answer {
  return { type: parseIp(ip)?.family === 6 ? "AAAA" : "A", name, ttl: clusterTtl, data: ip };
}

function wants(asked: string, type: string): boolean {
  return asked === type || asked === "ANY";
}

function found(answers: readonly Answer[]): ClusterAnswer {
  return { rcode: "NOERROR", answers, additionals: [] };
}
