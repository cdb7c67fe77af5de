import { hasEnded } from "../../api/pod-phase.ts";
import type { EndpointSlice, Pod, Service, ServicePort } from "../../api/schema/types.ts";
import { parseCidr, parseIp } from "../../base/ip.ts";
import { clusterIpsOf } from "../service-facts.ts";
import {
  isExternalLocal,
  isInternalLocal,
  type Standpoint,
  type Target,
  type Targets,
  targetsOf,
} from "./endpoints.ts";
import { masqueradeMark, type Ruleset, RulesetBuilder } from "./ruleset.ts";

/** What the rules of a Service depend on beside itself and its endpoints. */
export interface Place extends Standpoint {
  /** The pods' addresses in the whole cluster. */
  readonly clusterCidrs: readonly string[];
  /** Addresses that the node answers itself: the cluster's DNS. */
  readonly answeredHere: ReadonlySet<string>;
  /** The nodes' own addresses that belong to an external one. */
  readonly insideOf: (externalIp: string) => readonly string[];
}

const markForMasquerade = `meta mark set meta mark or ${masqueradeMark}`;

const defaultAffinitySeconds = 10_800;

/** One port of a Service in one family: what its chains are made of. */
interface Front {
  readonly service: Service;
  readonly port: ServicePort;
  readonly protocol: string;
  readonly family: 4 | 6;
  readonly targets: Targets;
  readonly place: Place;
  /** "default/web/tcp-80": how its chains and sets are called behind their sort. */
  readonly name: string;
}

// Who sets one of them serves the Service by something else, or not at all (Kubernetes docs, "Well-Known Labels").
const leftAloneLabels = ["service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"];

/** The rules of a Service. None for Services without a cluster IP: their names lead to their endpoints themselves. */
export function rulesOfService(service: Service, slices: readonly EndpointSlice[], place: Place): Ruleset {
  const rules = new RulesetBuilder();
  if (leftAloneLabels.some((label) => service.metadata.labels?.[label] !== undefined)) return rules;
  const clusterIps = clusterIpsOf(service).filter((ip) => !place.answeredHere.has(ip));
  const { namespace, name } = service.metadata;
  for (const ip of clusterIps) {
    const family = parseIp(ip)?.family;
    if (!family) continue;
    for (const port of service.spec.ports ?? []) {
      const protocol = (port.protocol ?? "TCP").toLowerCase();
      const targets = targetsOf(slices, port, family, place);
      const front = { service, port, protocol, family, targets, place };
      addFront(rules, { ...front, name: `${namespace}/${name}/${protocol}-${port.port}` }, ip);
    }
  }
  return rules;
}

/** The rules by which ports of the node lead to pods that ask for them (`hostPort`). */
export function rulesOfHostPorts(pod: Pod): Ruleset {
  const rules = new RulesetBuilder();
  const { spec, status } = pod;
  if (spec.hostNetwork || hasEnded(pod)) return rules;
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const ips = status?.podIPs?.flatMap(({ ip }) => ip ?? []) ?? (status?.podIP ? [status.podIP] : []);
  for (const { containerPort, hostPort, hostIP, protocol = "TCP" } of containers.flatMap(({ ports }) => ports ?? [])) {
    if (!hostPort) continue;
    for (const ip of ips) {
      const family = parseIp(ip)?.family;
      const hostFamily = hostIP ? parseIp(hostIP) : undefined;
      if (!family || (hostFamily && hostFamily.family !== family)) continue;
      const l4 = protocol.toLowerCase();
      const anywhere = !hostFamily || hostFamily.bits === 0n;
      const chain = rules.chain(
        `hostport${family}/${pod.metadata.uid}/${l4}-${hostPort}${anywhere ? "" : `-${hostIP?.replaceAll(":", ".")}`}`,
        [translate([{ ip, port: containerPort, local: true }], family, l4)],
      );
      if (anywhere) rules.element(`hostports${family}`, `${l4} . ${hostPort}`, `goto ${chain}`);
      else rules.element(`services${family}`, `${hostIP} . ${l4} . ${hostPort}`, `goto ${chain}`);
      rules.element(`hairpin${family}`, `${ip} . ${ip}`);
    }
  }
  return rules;
}

function addFront(rules: RulesetBuilder, front: Front, clusterIp: string): void {
  const { service, port, protocol, family, targets } = front;
  const { cluster, local } = targets;
  const some = cluster.length > 0 || local.length > 0;
  const internal = isInternalLocal(service) ? local : cluster;
  const external = isExternalLocal(service) ? local : cluster;
  const blocked = some ? "drop" : "goto refuse";
  const at = (ip: string): string => `${ip} . ${protocol} . ${port.port}`;
  const outer = externalIpsOf(front);

  if (some) addTargetChains(rules, front);
  if (internal.length > 0) {
    rules.element(
      `services${family}`,
      at(clusterIp),
      `goto ${isInternalLocal(service) ? "local" : "svc"}${family}/${front.name}`,
    );
  } else rules.element(`blocked${family}`, at(clusterIp), blocked);

  if (outer.length > 0 || port.nodePort) {
    const chain = `ext${family}/${front.name}`;
    if (some) rules.chain(chain, externalRules(front));
    for (const { ip } of outer) {
      if (some) rules.element(`services${family}`, at(ip), `goto ${chain}`);
      if (external.length === 0) rules.element(`blocked${family}`, at(ip), blocked);
    }
    if (port.nodePort) {
      const key = `${protocol} . ${port.nodePort}`;
      if (some) rules.element(`nodeports${family}`, key, `goto ${chain}`);
      if (external.length === 0) rules.element(`blocked-nodeports${family}`, key, blocked);
    }
  }
  addFirewall(
    rules,
    front,
    outer.filter(({ loadBalancer }) => loadBalancer).map(({ ip }) => at(ip)),
  );
  if (protocol === "udp") addUdpFronts(rules, front, [clusterIp, ...outer.map(({ ip }) => ip)]);
  for (const { ip } of [...cluster, ...local].filter((target) => target.local)) {
    rules.element(`hairpin${family}`, `${ip} . ${ip}`);
  }
}

function addUdpFronts(rules: RulesetBuilder, { family, port, targets }: Front, addresses: readonly string[]): void {
  const endpoints = [...new Set([...targets.cluster, ...targets.local].map(({ ip }) => ip))];
  for (const address of addresses) rules.udpFront({ family, address, port: port.port, endpoints });
  if (port.nodePort) rules.udpFront({ family, address: undefined, port: port.nodePort, endpoints });
}

/** The addresses outside the cluster's own that lead to the Service. */
function externalIpsOf({ service, family, place }: Front): { ip: string; loadBalancer: boolean }[] {
  const { spec, status } = service;
  const given = (spec.externalIPs ?? []).map((ip) => ({ ip, loadBalancer: false }));
  const ingress = spec.type === "LoadBalancer" ? (status?.loadBalancer?.ingress ?? []) : [];
  // A load balancer of mode "Proxy" sends to node ports itself and wants its address left alone.
  const balanced = ingress.flatMap(({ ip, ipMode }) => (ip && ipMode !== "Proxy" ? [ip, ...place.insideOf(ip)] : []));
  const all = [...given, ...[...new Set(balanced)].map((ip) => ({ ip, loadBalancer: true }))];
  return all.filter(({ ip }) => parseIp(ip)?.family === family);
}

/** The chains that choose a target: `svc` among all, `local` among this node's. */
function addTargetChains(rules: RulesetBuilder, front: Front): void {
  const { service, family, targets, name } = front;
  const choose = service.spec.sessionAffinity === "ClientIP" ? stickyRules : plainRules;
  if (targets.cluster.length > 0) rules.chain(`svc${family}/${name}`, choose(rules, front, targets.cluster));
  if (targets.local.length > 0 && (isInternalLocal(service) || isExternalLocal(service))) {
    rules.chain(`local${family}/${name}`, choose(rules, front, targets.local));
  }
}

function plainRules(_: RulesetBuilder, { family, protocol }: Front, targets: readonly Target[]): string[] {
  return [translate(targets, family, protocol)];
}

/** A client that was seen within the time-out goes where it went; the kernel remembers, in one set a target. */
function stickyRules(rules: RulesetBuilder, front: Front, targets: readonly Target[]): string[] {
  const { service, family, protocol, name } = front;
  const seconds = service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds;
  const source = family === 4 ? "ip saddr" : "ip6 saddr";
  const places = targets.map((target) => {
    const place = `${name}/${target.ip.replaceAll(":", ".")}-${target.port}`;
    // The time-out is part of the name: a set cannot change it.
    const seen = `seen${family}/${place}/${seconds}s`;
    const type = family === 4 ? "ipv4_addr" : "ipv6_addr";
    rules.set(seen, `type ${type}; flags dynamic,timeout; timeout ${seconds}s; size 65536;`);
    const chain = rules.chain(`to${family}/${place}`, [
      `update @${seen} { ${source} }`,
      translate([target], family, protocol),
    ]);
    return { seen, chain };
  });
  const verdicts = places.map(({ chain }, i) => `${i} : goto ${chain}`).join(", ");
  return [
    ...places.map(({ seen, chain }) => `${source} @${seen} goto ${chain}`),
    `numgen random mod ${places.length} vmap { ${verdicts} }`,
  ];
}

/** Rewrites the destination to one of the targets, chosen at random. */
function translate(targets: readonly Target[], family: 4 | 6, protocol: string): string {
  const [only] = targets;
  const ip = family === 4 ? "ip" : "ip6";
  if (only && targets.length === 1) {
    const address = family === 4 ? only.ip : `[${only.ip}]`;
    return `meta l4proto ${protocol} dnat ${ip} to ${address}:${only.port}`;
  }
  const choices = targets.map((target, i) => `${i} : ${target.ip} . ${target.port}`).join(", ");
  return `meta l4proto ${protocol} dnat ${ip} to numgen random mod ${targets.length} map { ${choices} }`;
}

/**
 * Traffic for an address outside the cluster's own. Where it may go anywhere, it goes with the node's address, so that the
 * answer comes back this way. Where it must stay, the client's address is kept; pods and the node itself are inside
 * the cluster and may reach every endpoint all the same.
 */
function externalRules({ service, family, targets, place, name }: Front): string[] {
  const all = targets.cluster.length > 0 ? [`goto svc${family}/${name}`] : [];
  if (!isExternalLocal(service)) return [markForMasquerade, ...all];
  const source = family === 4 ? "ip saddr" : "ip6 saddr";
  const pods = place.clusterCidrs.filter((cidr) => parseCidr(cidr)?.family === family);
  return [
    ...(all.length > 0 ? pods.map((cidr) => `${source} ${cidr} ${all[0]}`) : []),
    ...(all.length > 0 ? [`fib saddr type local ${markForMasquerade} ${all[0]}`] : []),
    ...(targets.local.length > 0 ? [`goto local${family}/${name}`] : []),
  ];
}

/** `loadBalancerSourceRanges`: who may use the load balancer's address. */
function addFirewall(rules: RulesetBuilder, { service, family, name }: Front, keys: readonly string[]): void {
  const ranges = (service.spec.loadBalancerSourceRanges ?? []).map((text) => text.trim());
  if (ranges.length === 0 || keys.length === 0) return;
  const allowed = ranges.filter((text) => parseCidr(text)?.family === family);
  const source = family === 4 ? "ip saddr" : "ip6 saddr";
  const chain = rules.chain(`firewall${family}/${name}`, [
    ...allowed.map((cidr) => `${source} ${cidr} return`),
    "drop",
  ]);
  for (const key of keys) rules.element(`firewall${family}`, key, `goto ${chain}`);
}
