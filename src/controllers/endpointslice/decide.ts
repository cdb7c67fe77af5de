import { isDeepStrictEqual } from "node:util";
import { isLeaving } from "../../api/object.ts";
import type { Endpoint, EndpointSlice, Node, Pod, Service } from "../../api/schema/types.ts";
import type { EventNews } from "../../client/events.ts";
import { zoneLabel } from "../nodes.ts";
import { isReady } from "../pods.ts";
import {
  addressOf,
  familiesOf,
  headlessLabel,
  hostnameOf,
  isHeadless,
  isReachable,
  type OfferedPort,
  portsOf,
  targetOf,
  triggerTime,
} from "./endpoints-of.ts";
import { nearnessOf, withNearHints, withoutAnyHints } from "./hints.ts";
import { type Draft, identity, pack } from "./packing.ts";
import { managedBy, portsText, type SliceChanges, type SliceContent, serviceName } from "./slices.ts";
import { type Topology, withZoneHints, type ZoneShares } from "./topology.ts";

export interface Observed {
  readonly service: Service;
  /** The pods that it selects. */
  readonly pods: readonly Pod[];
  /** The slices that this controller made for it. */
  readonly slices: readonly EndpointSlice[];
  readonly nodeOf: (name: string) => Node | undefined;
  /** When the cause of this round came about (trigger-times.ts). */
  readonly causedAt?: string | undefined;
  /** So many endpoints go into one slice. */
  readonly size: number;
  readonly shares: ZoneShares;
  /** Whether endpoints of the Service had hints by the shares of zones. */
  readonly hadHints: boolean;
}

export interface Decision extends SliceChanges {
  readonly news: readonly EventNews[];
  readonly hasHints: boolean;
}

export const manager = "endpointslice-controller.k8s.io";

/** Which slices a Service should have; those of one family and one set of ports hold endpoints together. */
export function decide(observed: Observed): Decision {
  const families = familiesOf(observed.service);
  const ofFamilies = families.map((family) => decideFamily(family, observed));
  const stale = observed.slices.filter(({ addressType }) => !(families as string[]).includes(addressType));
  const unknown = families.length > 0 ? podsOnUnknownNodes(observed) : [];
  return {
    create: ofFamilies.flatMap(({ create }) => create),
    update: ofFamilies.flatMap(({ update }) => update),
    remove: [...ofFamilies.flatMap(({ remove }) => remove), ...stale],
    news: [...ofFamilies.flatMap(({ news }) => news), ...unknownNodeNews(observed.service, unknown)],
    hasHints: ofFamilies.some(({ hasHints }) => hasHints),
  };
}

function decideFamily(family: "IPv4" | "IPv6", observed: Observed): Decision {
  const { service, slices, size, causedAt } = observed;
  const labels = labelsFor(service);
  const ofFamily = slices.filter(({ addressType }) => addressType === family);
  const own = ofFamily.filter((slice) => isOwnedBy(slice, service));
  const foreign = ofFamily.filter((slice) => !own.includes(slice));

  const groups = groupByPorts(family, observed);
  const packed = groups.map(({ ports, endpoints }) => {
    const isLabelled = (slice: EndpointSlice): boolean => sameLabels(slice, labels);
    const fitting = own.filter((slice) => samePorts(slice.ports ?? [], ports));
    return pack(fitting, endpoints, { ports, size, isLabelled });
  });
  const outdated = own.filter((slice) => !groups.some(({ ports }) => samePorts(slice.ports ?? [], ports)));
  let drafts = packed.flatMap((one) => one.drafts);
  let spare = [...packed.flatMap(({ emptied }) => emptied), ...outdated];
  // Where no slice would be left, an empty one says that the Service is known.
  if (drafts.length === 0) {
    const [only, ...more] = spare;
    if (only && more.length === 0 && isPlaceholder(only) && sameLabels(only, labels)) spare = [];
    else drafts.push({ ports: [], endpoints: [], isChanged: true });
  }
  const topology = hinted(drafts, family, observed);
  drafts = [...topology.drafts];

  const create: SliceContent[] = [];
  const update: { slice: EndpointSlice; content: SliceContent }[] = [];
  // A slice that nobody wants any more is taken for one that is to be made: fewer writes, and its name stays.
  for (const draft of drafts.filter(({ slice, isChanged }) => isChanged && !slice)) {
    const recycled = spare.shift();
    if (recycled) update.push({ slice: recycled, content: contentOf(draft) });
    else create.push(contentOf(draft));
  }
  for (const draft of drafts)
    if (draft.slice && draft.isChanged) update.push({ slice: draft.slice, content: contentOf(draft) });
  const news = topology.news ? [topology.news] : [];
  return { create, update, remove: [...spare, ...foreign], news, hasHints: topology.hasHints };

  function contentOf({ slice, ports, endpoints }: Draft): SliceContent {
    const { [triggerTime]: _, ...others } = slice?.metadata.annotations ?? {};
    return {
      addressType: family,
      ...(endpoints.length > 0 && { endpoints: [...endpoints] }),
      ...(ports.length > 0 && { ports: [...ports] }),
      labels,
      annotations: { ...others, ...(causedAt && { [triggerTime]: causedAt }) },
    };
  }
}

function hinted(drafts: readonly Draft[], family: string, { service, shares, hadHints }: Observed): Topology {
  const nearness = nearnessOf(service);
  if (nearness === "topology") return withZoneHints(drafts, { shares, family, hadHints });
  const message = `Topology Aware Hints has been disabled, addressType: ${family}`;
  return {
    drafts: nearness === "anywhere" ? withoutAnyHints(drafts) : withNearHints(drafts, nearness),
    hasHints: false,
    ...(hadHints && { news: { type: "Warning", reason: "TopologyAwareHintsDisabled", message } }),
  };
}

interface PortGroup {
  readonly ports: readonly OfferedPort[];
  readonly endpoints: readonly Endpoint[];
}

/** A group whose pods have no place yet is there too: a slice for its ports is kept as it is. */
function groupByPorts(family: "IPv4" | "IPv6", observed: Observed): PortGroup[] {
  const { service, pods, nodeOf } = observed;
  const groups = new Map<string, { ports: readonly OfferedPort[]; endpoints: Map<string, Endpoint> }>();
  const unknown = new Set(podsOnUnknownNodes(observed));
  for (const pod of pods.filter(isReachable)) {
    const ports = portsOf(pod, service);
    const key = portsText(ports);
    const group = groups.get(key) ?? { ports, endpoints: new Map<string, Endpoint>() };
    groups.set(key, group);
    const address = addressOf(pod, family);
    if (!address || unknown.has(pod)) continue;
    const endpoint = endpointFrom(pod, { service, address, nodeOf });
    group.endpoints.set(identity(endpoint), endpoint);
  }
  return [...groups.values()].map(({ ports, endpoints }) => ({ ports, endpoints: [...endpoints.values()] }));
}

/** Pods of nodes that do not exist are not reached, unless the Service wants all pods in whatever state. */
function podsOnUnknownNodes({ service, pods, nodeOf }: Observed): readonly Pod[] {
  if (service.spec?.publishNotReadyAddresses) return [];
  return pods.filter((pod) => isReachable(pod) && !nodeOf(pod.spec.nodeName ?? ""));
}

function unknownNodeNews({ metadata }: Service, pods: readonly Pod[]): EventNews[] {
  if (pods.length === 0) return [];
  const about = `${metadata.namespace}/${metadata.name}`;
  const skipped = pods.map(
    (pod) => `skipping Pod ${pod.metadata.name} for Service ${about}: Node ${pod.spec.nodeName ?? ""} Not Found`,
  );
  const list = skipped.length === 1 ? skipped[0] : `[${skipped.join(", ")}]`;
  const message = `Error updating Endpoint Slices for Service ${about}: ${list}`;
  return [{ type: "Warning", reason: "FailedToUpdateEndpointSlices", message }];
}

function endpointFrom(
  pod: Pod,
  { service, address, nodeOf }: { service: Service; address: string; nodeOf: Observed["nodeOf"] },
): Endpoint {
  const [serving, terminating] = [isReady(pod), isLeaving(pod)];
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const nodeName = pod.spec?.nodeName;
  const zone = nodeName && nodeOf(nodeName)?.metadata.labels?.[zoneLabel];
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

function samePorts(a: NonNullable<EndpointSlice["ports"]>, b: readonly OfferedPort[]): boolean {
  return portsText(a) === portsText(b);
}

function isPlaceholder({ endpoints, ports }: EndpointSlice): boolean {
  return (endpoints ?? []).length === 0 && (ports ?? []).length === 0;
}

function sameLabels({ metadata }: EndpointSlice, labels: Record<string, string>): boolean {
  return isDeepStrictEqual(metadata.labels, labels);
}

function isOwnedBy({ metadata }: EndpointSlice, service: Service): boolean {
  return (metadata.ownerReferences ?? []).some(
    ({ uid, kind, apiVersion }) => uid === service.metadata.uid && kind === "Service" && apiVersion === "v1",
  );
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
