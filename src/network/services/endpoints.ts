import type { Endpoint, EndpointSlice, Service, ServicePort } from "../../api/schema/types.ts";
import { parseIp } from "../../base/ip.ts";

/** Where a connection may be sent. */
export interface Target {
  readonly ip: string;
  readonly port: number;
  /** Whether it runs on this node. */
  readonly local: boolean;
}

/** The targets of one port of a Service in one family. */
export interface Targets {
  /** For traffic that may go to any node. */
  readonly cluster: readonly Target[];
  /** For traffic that must stay on this node. */
  readonly local: readonly Target[];
}

/** Where this node stands, for endpoints that are meant for some nodes or zones. */
export interface Standpoint {
  readonly nodeName: string;
  /** Its label topology.kubernetes.io/zone. */
  readonly zone?: string | undefined;
}

interface Candidate extends Target {
  readonly ready: boolean;
  /** The nodes and zones that it is meant for; none: for all. */
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
  /** Serves although it is on its way out. */
  readonly draining: boolean;
}

/**
 * The targets of a Service's port. Ready endpoints; when there is none, those that still serve while they terminate
 * (Kubernetes docs, "Virtual IPs and Service Proxies", section "Traffic to terminating endpoints"). This choice is made
 * for the whole cluster and for the node apart.
 */
export function targetsOf(
  slices: readonly EndpointSlice[],
  port: ServicePort,
  family: 4 | 6,
  from: Standpoint,
): Targets {
  const candidates = slices
    .filter(({ addressType }) => addressType === (family === 4 ? "IPv4" : "IPv6"))
    .flatMap((slice) =>
      portNumbers(slice, port).flatMap((number) =>
        (slice.endpoints ?? []).flatMap((endpoint) => candidateFrom(endpoint, number, from.nodeName)),
      ),
    );
  const usable = distinct(candidates);
  return { cluster: choose(meantFor(from, usable)), local: choose(usable.filter(({ local }) => local)) };
}

/** How many ready endpoints of the Service run on this node: what its health check port tells load balancers. */
export function readyLocalEndpoints(slices: readonly EndpointSlice[], nodeName: string): number {
  const ready = slices
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false);
  return new Set(ready.flatMap(({ addresses }) => addresses[0] ?? [])).size;
}

/** Whether traffic from outside must stay on the node that it reached. */
export const isExternalLocal = ({ spec }: Service): boolean => spec.externalTrafficPolicy === "Local";
export const isInternalLocal = ({ spec }: Service): boolean => spec.internalTrafficPolicy === "Local";

function portNumbers(slice: EndpointSlice, { name = "", protocol = "TCP" }: ServicePort): number[] {
  const matching = (slice.ports ?? []).filter(
    (port) => (port.name ?? "") === name && (port.protocol ?? "TCP") === protocol,
  );
  return matching.flatMap(({ port }) => port ?? []);
}

function candidateFrom(endpoint: Endpoint, port: number, nodeName: string): Candidate[] {
  const { ready = true, serving = true, terminating = false } = endpoint.conditions ?? {};
  // The first address stands for the endpoint; the others, if any, are names for the same place.
  const ip = endpoint.addresses[0];
  if (!ip || !parseIp(ip)) return [];
  const forNodes = (endpoint.hints?.forNodes ?? []).map(({ name }) => name);
  const forZones = (endpoint.hints?.forZones ?? []).map(({ name }) => name);
  const local = endpoint.nodeName === nodeName;
  return [{ ip, port, local, ready, draining: serving && terminating, forNodes, forZones }];
}

/**
 * Those that `trafficDistribution` means for this node, else for its zone: where every ready endpoint says for whom it is, and
 * one is for here; all of them otherwise.
 */
function meantFor({ nodeName, zone }: Standpoint, candidates: Candidate[]): Candidate[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  const preferred = (hintsOf: (candidate: Candidate) => readonly string[], here: string | undefined) => {
    const own = ready.filter((candidate) => here !== undefined && hintsOf(candidate).includes(here));
    return own.length > 0 && ready.every((candidate) => hintsOf(candidate).length > 0) ? own : undefined;
  };
  return preferred(({ forNodes }) => forNodes, nodeName) ?? preferred(({ forZones }) => forZones, zone) ?? candidates;
}

function choose(candidates: readonly Candidate[]): Target[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  const chosen = ready.length > 0 ? ready : candidates.filter((candidate) => candidate.draining);
  return chosen.map(({ ip, port, local }) => ({ ip, port, local }));
}

/** One of each address and port, in an order that does not depend on that of the slices. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byPlace = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const place = `${candidate.ip} ${candidate.port}`;
    const known = byPlace.get(place);
    // While an endpoint moves between slices it is in both; the better word counts.
    if (!known || (!known.ready && candidate.ready)) byPlace.set(place, candidate);
  }
  return [...byPlace].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, candidate]) => candidate);
}
