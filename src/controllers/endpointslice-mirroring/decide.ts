import { isDeepStrictEqual } from "node:util";
import { isLeaving } from "../../api/object.ts";
import type {
  Endpoint,
  EndpointAddress,
  EndpointPort,
  EndpointSlice,
  Endpoints,
  Service,
} from "../../api/schema/types.ts";
import type { EventNews } from "../../client/events.ts";
import { triggerTime } from "../endpointslice/endpoints-of.ts";
import { managedBy, portsText, type SliceChanges, type SliceContent, serviceName } from "../endpointslice/slices.ts";

export interface Observed {
  readonly endpoints: Endpoints | undefined;
  /** The Service of the same name. */
  readonly service: Service | undefined;
  /** The slices that this controller made. */
  readonly slices: readonly EndpointSlice[];
  /** So many addresses of a subset are mirrored. */
  readonly most: number;
}

export interface Decision extends SliceChanges {
  readonly news: readonly EventNews[];
}

const skipMirror = "endpointslice.kubernetes.io/skip-mirror";
const leaderElection = "control-plane.alpha.kubernetes.io/leader";
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
export const manager = "endpointslicemirroring-controller.k8s.io";

/** Endpoints of a Service without a selector are written by hand; their slices say the same. */
export function decide({ endpoints, service, slices, most }: Observed): Decision {
  if (!endpoints || !isMirrored(endpoints) || !service || service.spec?.selector)
    return { create: [], update: [], remove: slices, news: [] };
  const { mirrors, news } = mirrorsOf(endpoints, most);
  const create: SliceContent[] = [];
  const update: { slice: EndpointSlice; content: SliceContent }[] = [];
  const used = new Set<EndpointSlice>();
  for (const mirror of mirrors) {
    const slice = slices.find((one) => !used.has(one) && keyOf(one) === keyOf(mirror));
    if (slice) used.add(slice);
    if (!slice) create.push(mirror);
    else if (differs(slice, mirror)) update.push({ slice, content: mirror });
  }
  const spare = slices.filter((slice) => !used.has(slice));
  // A slice that nobody wants any more is taken for one that is to be made.
  const left = create.filter((mirror) => {
    const slice = spare.find(({ addressType }) => addressType === mirror.addressType);
    if (!slice) return true;
    spare.splice(spare.indexOf(slice), 1);
    update.push({ slice, content: mirror });
    return false;
  });
  return { create: isLeaving(endpoints) ? [] : left, update, remove: spare, news };
}

function isMirrored({ metadata }: Endpoints): boolean {
  return metadata.labels?.[skipMirror] !== "true" && metadata.annotations?.[leaderElection] === undefined;
}

function mirrorsOf(endpoints: Endpoints, most: number): { mirrors: SliceContent[]; news: EventNews[] } {
  const { name, labels = {}, annotations = {} } = endpoints.metadata;
  const { [triggerTime]: _, [lastApplied]: __, ...passedOn } = annotations;
  const groups = new Map<string, { addressType: string; ports: EndpointSlice["ports"]; endpoints: Endpoint[] }>();
  let skipped = 0;
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of endpoints.subsets ?? []) {
    const all = [
      ...addresses.map((address) => endpointFrom(address, true)),
      ...notReadyAddresses.map((address) => endpointFrom(address, false)),
    ];
    skipped += Math.max(0, all.length - most);
    for (const endpoint of all.slice(0, most)) {
      const addressType = endpoint.addresses[0]?.includes(":") ? "IPv6" : "IPv4";
      const content = { addressType, ports: ports.map(portFrom), endpoints: [] };
      const key = keyOf(content);
      const group = groups.get(key) ?? content;
      groups.set(key, group);
      if (!group.endpoints.some((one) => isDeepStrictEqual(one.addresses, endpoint.addresses)))
        group.endpoints.push(endpoint);
    }
  }
  const message = `A max of ${most} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
  return {
    mirrors: [...groups.values()].map(({ ports, ...content }) => ({
      ...content,
      ...(ports && ports.length > 0 && { ports }),
      labels: { ...labels, [serviceName]: name, [managedBy]: manager },
      annotations: passedOn,
    })),
    news: skipped > 0 ? [{ type: "Warning", reason: "TooManyAddressesToMirror", message }] : [],
  };
}

function endpointFrom({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(targetRef && { targetRef }),
    ...(nodeName && { nodeName }),
  };
}

function portFrom({ name = "", port, protocol = "TCP", appProtocol }: EndpointPort) {
  return { name, protocol, port, ...(appProtocol && { appProtocol }) };
}

/** Slices of one family and one set of ports stand for each other. */
function keyOf({ addressType, ports }: Pick<EndpointSlice, "addressType" | "ports">): string {
  return JSON.stringify([addressType, portsText(ports ?? [])]);
}

function differs({ endpoints, metadata }: EndpointSlice, mirror: SliceContent): boolean {
  const sorted = (list: readonly Endpoint[]): string[] =>
    list.map((one) => JSON.stringify(Object.entries(one).sort())).sort();
  return !(
    isDeepStrictEqual(sorted(endpoints ?? []), sorted(mirror.endpoints ?? [])) &&
    isDeepStrictEqual(metadata.labels ?? {}, mirror.labels) &&
    isDeepStrictEqual(metadata.annotations ?? {}, mirror.annotations)
  );
}
