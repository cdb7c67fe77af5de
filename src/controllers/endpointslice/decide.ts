import { isDeepStrictEqual } from "node:util";
import { isLeaving } from "../../api/object.ts";
import type { Endpoint, EndpointSlice, Pod, Service } from "../../api/schema/types.ts";
import { hasEnded, isReady } from "../pods.ts";
import {
  addressOf,
  familiesOf,
  headlessLabel,
  hostnameOf,
  isHeadless,
  isReachable,
  type OfferedPort,
  portsOf,
  readySince,
  targetOf,
  triggerTime,
} from "./endpoints-of.ts";

export interface Observed {
  readonly service: Service;
  /** The pods that it selects. */
  readonly pods: readonly Pod[];
  /** The slices that this controller made for it. */
  readonly slices: readonly EndpointSlice[];
  readonly zoneOf: (nodeName: string) => string | undefined;
}

/** A slice as it should be; name and owner are the shell's. */
export type SliceContent = Pick<EndpointSlice, "addressType" | "endpoints" | "ports"> & {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
};

export interface Decision {
  readonly create: readonly SliceContent[];
  readonly update: readonly { readonly slice: EndpointSlice; readonly content: SliceContent }[];
  readonly remove: readonly EndpointSlice[];
}

/** So many endpoints go into one slice. */
const sliceSize = 100;
const serviceName = "kubernetes.io/service-name";
const managedBy = "endpointslice.kubernetes.io/managed-by";
export const manager = "endpointslice-controller.k8s.io";

/** Endpoints with the same ports and family share slices; those that are in a slice stay there. */
export function decide({ service, pods, slices, zoneOf }: Observed): Decision {
  const reachable = pods.filter(isReachable);
  const labels = labelsFor(service);
  const create: SliceContent[] = [];
  const update: { slice: EndpointSlice; content: SliceContent }[] = [];
  const leftOver: EndpointSlice[] = [];

  for (const family of familiesOf(service)) {
    const groups = groupByPorts(reachable, service, family, zoneOf);
    if (groups.length === 0) groups.push({ ports: [], endpoints: [] });
    const ofFamily = slices.filter(({ addressType }) => addressType === family);
    const used = new Set<EndpointSlice>();
    const unplaced: { ports: readonly OfferedPort[]; endpoints: Endpoint[] }[] = [];
    for (const { ports, endpoints } of groups) {
      const fitting = ofFamily.filter((slice) => samePorts(slice, ports));
      for (const slice of fitting) used.add(slice);
      const { filled, rest } = fill(fitting, endpoints);
      for (const { slice, content } of filled)
        if (content.length === 0 && endpoints.length > 0) leftOver.push(slice);
        else update.push({ slice, content: contentOf(family, ports, content) });
      if (rest.length > 0 || fitting.length === 0)
        for (let at = 0; at === 0 || at < rest.length; at += sliceSize)
          unplaced.push({ ports, endpoints: rest.slice(at, at + sliceSize) });
    }
    // A slice that nobody wants any more is taken for one that is to be made: fewer writes, and its name stays.
    const spare = [...ofFamily.filter((slice) => !used.has(slice)), ...leftOver.splice(0)];
    for (const { ports, endpoints } of unplaced) {
      const recycled = spare.shift();
      const content = contentOf(family, ports, endpoints);
      if (recycled) update.push({ slice: recycled, content });
      else create.push({ ...content, annotations: annotationsFor(undefined, content) });
    }
    leftOver.push(...spare);
  }
  const stale = slices.filter(({ addressType }) => !(familiesOf(service) as string[]).includes(addressType));
  return { create, update: update.filter(differs), remove: [...leftOver, ...stale] };

  function contentOf(addressType: string, ports: readonly OfferedPort[], endpoints: Endpoint[]): SliceContent {
    return {
      addressType,
      ...(endpoints.length > 0 && { endpoints }),
      ...(ports.length > 0 && { ports: [...ports] }),
      labels,
      annotations: {},
    };
  }
  function differs(change: { slice: EndpointSlice; content: SliceContent }): boolean {
    const { slice, content } = change;
    const same =
      isDeepStrictEqual(slice.endpoints ?? [], content.endpoints ?? []) &&
      isDeepStrictEqual(slice.ports ?? [], content.ports ?? []) &&
      isDeepStrictEqual(slice.metadata.labels, labels);
    if (!same) Object.assign(content.annotations, annotationsFor(slice, content));
    return !same;
  }
  /** The time at which the cause of this write came about: only pods that came, ended or changed their readiness tell one. */
  function annotationsFor(slice: EndpointSlice | undefined, { endpoints = [] }: SliceContent): Record<string, string> {
    const { [triggerTime]: _, ...others } = slice?.metadata.annotations ?? {};
    const before = new Set(slice?.endpoints?.map(readiness));
    const left = new Set(slice?.endpoints?.map(identity)).difference(new Set(endpoints.map(identity)));
    const caused = new Set(endpoints.filter((endpoint) => !before.has(readiness(endpoint))).map(identity));
    // A pod that ended has left the slice, and its readiness tells when.
    const causes = pods.filter(
      (pod) => caused.has(pod.metadata.uid ?? "") || (hasEnded(pod) && left.has(pod.metadata.uid ?? "")),
    );
    const time = readySince(causes) ?? (slice ? undefined : service.metadata.creationTimestamp);
    return { ...others, ...(time && { [triggerTime]: time }) };
  }
}

function groupByPorts(
  pods: readonly Pod[],
  service: Service,
  family: "IPv4" | "IPv6",
  zoneOf: Observed["zoneOf"],
): { ports: readonly OfferedPort[]; endpoints: Endpoint[] }[] {
  const groups = new Map<string, { ports: readonly OfferedPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const address = addressOf(pod, family);
    if (!address) continue;
    const ports = portsOf(pod, service);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointFrom(pod, { service, address, zoneOf }));
  }
  return [...groups.values()];
}

function endpointFrom(
  pod: Pod,
  { service, address, zoneOf }: { service: Service; address: string; zoneOf: Observed["zoneOf"] },
): Endpoint {
  const [serving, terminating] = [isReady(pod), isLeaving(pod)];
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const nodeName = pod.spec?.nodeName;
  const zone = nodeName && zoneOf(nodeName);
  const hostname = hostnameOf(pod, service);
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname && { hostname }),
    targetRef: targetOf(pod),
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
  };
}

/** Puts endpoints where they are already, then into the room that is left. */
function fill(slices: readonly EndpointSlice[], endpoints: readonly Endpoint[]) {
  const open = new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const filled = slices.map((slice) => {
    const content: Endpoint[] = [];
    for (const old of slice.endpoints ?? []) {
      const now = open.get(identity(old));
      if (!now) continue;
      content.push(now);
      open.delete(identity(old));
    }
    return { slice, content };
  });
  const rest = [...open.values()];
  for (const { content } of filled) content.push(...rest.splice(0, Math.max(0, sliceSize - content.length)));
  return { filled, rest };
}

const readiness = (endpoint: Endpoint): string => `${identity(endpoint)} ${endpoint.conditions?.serving}`;
const identity = ({ targetRef, addresses }: Endpoint): string => targetRef?.uid ?? addresses.join();

function samePorts({ ports = [] }: EndpointSlice, wanted: readonly OfferedPort[]): boolean {
  const sort = (list: readonly object[]): string[] =>
    list.map((port) => JSON.stringify(Object.entries(port).sort())).sort();
  return isDeepStrictEqual(sort(ports ?? []), sort(wanted));
}

function labelsFor(service: Service): Record<string, string> {
  const { [serviceName]: _, [managedBy]: __, [headlessLabel]: ___, ...own } = service.metadata.labels ?? {};
  return {
    ...own,
    [managedBy]: manager,
    [serviceName]: service.metadata.name,
    ...(isHeadless(service) && { [headlessLabel]: "" }),
  };
}

/** Whether the slice is one that this controller keeps. */
export function isOurs({ metadata }: EndpointSlice): boolean {
  return metadata.labels?.[managedBy] === manager;
}

/** The Service a slice belongs to. */
export function serviceOf({ metadata }: EndpointSlice): string | undefined {
  return metadata.labels?.[serviceName];
}
