import { isDeepStrictEqual } from "node:util";
import { isLeaving } from "../../api/object.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints, Pod, Service } from "../../api/schema/types.ts";
import {
  addressOf,
  familiesOf,
  headlessLabel,
  hostnameOf,
  isHeadless,
  isReachable,
  portsOf,
  targetOf,
  triggerTime,
} from "../endpointslice/endpoints-of.ts";
import { isReady } from "../pods.ts";

export const managedBy = "endpoints.kubernetes.io/managed-by";
export const manager = "endpoint-controller";
const overCapacity = "endpoints.kubernetes.io/over-capacity";

/** What the Endpoints of a Service should say. */
export interface Wanted {
  readonly subsets: EndpointSubset[];
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

/** Undefined when they say so already. `causedAt`: when the cause of this round came about. */
export function decide(
  service: Service,
  { pods, current, causedAt }: { pods: readonly Pod[]; current: Endpoints | undefined; causedAt: string | undefined },
): Wanted | undefined {
  const all = subsetsFor(service, pods);
  const subsets = truncated(all);
  const isTruncated = !isDeepStrictEqual(all, subsets);
  const labels = {
    ...service.metadata.labels,
    [managedBy]: manager,
    ...(isHeadless(service) && { [headlessLabel]: "" }),
  };
  const { [triggerTime]: _, [overCapacity]: said, ...others } = current?.metadata.annotations ?? {};
  const isSame =
    isDeepStrictEqual(current?.subsets ?? [], subsets) &&
    isDeepStrictEqual(current?.metadata.labels, labels) &&
    (said !== undefined) === isTruncated;
  if (current && isSame) return undefined;
  const annotations = {
    ...others,
    ...(causedAt && { [triggerTime]: causedAt }),
    ...(isTruncated && { [overCapacity]: "truncated" }),
  };
  return { subsets, labels, annotations };
}

/** The addresses of a Service in the older form: pods with the same ports share a subset. */
export function subsetsFor(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const withUnready = service.spec?.publishNotReadyAddresses === true;
  const groups = new Map<string, { ports: EndpointPort[]; ready: EndpointAddress[]; unready: EndpointAddress[] }>();
  for (const pod of pods) {
    const ip = addressOf(pod, familiesOf(service)[0] ?? "IPv4");
    if (!ip || !isReachable(pod) || (isLeaving(pod) && !withUnready)) continue;
    const ports = portsOf(pod, service).map(({ name, ...port }) => ({ ...(name && { name }), ...port }));
    if (ports.length === 0 && service.spec?.ports?.length) continue;
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], unready: [] };
    groups.set(key, group);
    (withUnready || isReady(pod) ? group.ready : group.unready).push(addressFrom(pod, ip, service));
  }
  return [...groups.values()].map(({ ports, ready, unready }) => ({
    ...(ready.length > 0 && { addresses: ready.sort(byIp) }),
    ...(unready.length > 0 && { notReadyAddresses: unready.sort(byIp) }),
    ...(ports.length > 0 && { ports }),
  }));
}

function addressFrom(pod: Pod, ip: string, service: Service): EndpointAddress {
  const hostname = hostnameOf(pod, service);
  const nodeName = pod.spec?.nodeName;
  return { ip, ...(hostname && { hostname }), ...(nodeName && { nodeName }), targetRef: targetOf(pod) };
}

const byIp = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);

/** So many addresses fit; further ones are left out, those that are not ready first. */
const capacity = 1000;

function truncated(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const count = (field: "addresses" | "notReadyAddresses"): number =>
    subsets.reduce((sum, subset) => sum + (subset[field]?.length ?? 0), 0);
  let ready = Math.min(count("addresses"), capacity);
  let unready = Math.max(0, Math.min(count("notReadyAddresses"), capacity - ready));
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ...rest }) => {
    const [kept, waiting] = [addresses.slice(0, ready), notReadyAddresses.slice(0, unready)];
    ready -= kept.length;
    unready -= waiting.length;
    if (kept.length + waiting.length === 0) return [];
    return [
      {
        ...(kept.length > 0 && { addresses: kept }),
        ...(waiting.length > 0 && { notReadyAddresses: waiting }),
        ...rest,
      },
    ];
  });
}
