import { isLeaving } from "../../api/object.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from "../../api/schema/types.ts";
import { addressOf, familiesOf, hostnameOf, isReachable, portsOf, targetOf } from "../endpointslice/endpoints-of.ts";
import { hasEnded, isReady } from "../pods.ts";

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

/** The pods that came, ended or changed their readiness between two states of the addresses. */
export function changedPods(pods: readonly Pod[], before: readonly EndpointSubset[], after: readonly EndpointSubset[]) {
  const states = (subsets: readonly EndpointSubset[]): Set<string> =>
    new Set(
      subsets.flatMap(({ addresses = [], notReadyAddresses = [] }) => [
        ...addresses.map(({ targetRef }) => `${targetRef?.uid} ready`),
        ...notReadyAddresses.map(({ targetRef }) => `${targetRef?.uid} unready`),
      ]),
    );
  const [came, left] = [states(after).difference(states(before)), states(before).difference(states(after))];
  const holds = (set: ReadonlySet<string>, { metadata }: Pod): boolean =>
    set.has(`${metadata.uid} ready`) || set.has(`${metadata.uid} unready`);
  return pods.filter((pod) => holds(came, pod) || (hasEnded(pod) && holds(left, pod)));
}
