import { service } from "../../api/kinds/core/service.ts";
import { isLeaving, type KubeObject, type ObjectKey } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Pod, Service, ServicePort } from "../../api/schema/types.ts";
import { selectsAll } from "../../api/selector.ts";
import type { Cache } from "../../client/cache.ts";
import { podCondition } from "../pods.ts";

/** A port of a Service as one pod offers it. */
export interface OfferedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string;
}

/** Whether a pod can be reached at all: it has an address and has not ended. */
export function isReachable(pod: Pod): boolean {
  return !hasEnded(pod) && Boolean(pod.status?.podIP);
}

/** The pod's address of a family. */
export function addressOf({ status }: Pod, family: "IPv4" | "IPv6"): string | undefined {
  const all = status?.podIPs?.map(({ ip }) => ip) ?? (status?.podIP ? [status.podIP] : []);
  return all.find((ip) => ip?.includes(":") === (family === "IPv6"));
}

/** The families in which a Service is reached. */
export function familiesOf({ spec }: Service): ("IPv4" | "IPv6")[] {
  return (spec?.ipFamilies ?? ["IPv4"]) as ("IPv4" | "IPv6")[];
}

/** The Service's ports with the numbers that this pod gives them; a name that the pod does not know is left out. */
export function portsOf(pod: Pod, { spec }: Service): OfferedPort[] {
  return (spec?.ports ?? []).flatMap((port) => {
    const number = numberOf(pod, port);
    if (number === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = port;
    return [{ name, protocol, port: number, ...(appProtocol && { appProtocol }) }];
  });
}

function numberOf({ spec }: Pod, { targetPort, port, protocol = "TCP" }: ServicePort): number | undefined {
  if (targetPort === undefined) return port;
  if (typeof targetPort === "number") return targetPort || port;
  const sidecars = (spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  for (const { ports = [] } of [...(spec?.containers ?? []), ...sidecars])
    for (const candidate of ports)
      if (candidate.name === targetPort && (candidate.protocol ?? "TCP") === protocol) return candidate.containerPort;
  return undefined;
}

/** The host name under which DNS knows the pod within the Service. */
export function hostnameOf({ spec }: Pod, { metadata }: Service): string | undefined {
  return spec?.hostname && spec.subdomain === metadata.name ? spec.hostname : undefined;
}

export function targetOf({ metadata }: Pod) {
  const { namespace = "", name, uid = "" } = metadata;
  return { kind: "Pod", namespace, name, uid };
}

export const triggerTime = "endpoints.kubernetes.io/last-change-trigger-time";

/** Keys for a watch on pods: the Services that select them. */
export function servicesOf(object: KubeObject, cache: Cache): readonly ObjectKey[] {
  const { namespace, labels } = object.metadata;
  return cache
    .list(service, namespace)
    .filter(({ spec }) => spec?.selector && selectsAll(spec.selector, labels))
    .map(({ metadata }) => ({ namespace, name: metadata.name }));
}

/** Whether a pod's change can matter to a Service. */
export function mattersToServices({
  before,
  after,
}: {
  before?: KubeObject | undefined;
  after?: KubeObject | undefined;
}) {
  return !before || !after || essence(before as Pod) !== essence(after as Pod);
}

function essence(pod: Pod): string {
  const { status, metadata, spec } = pod;
  const ready = podCondition(pod, "Ready")?.status;
  return JSON.stringify([metadata.labels, status?.podIPs, ready, hasEnded(pod), isLeaving(pod), spec?.nodeName]);
}

/** A Service whose endpoints follow its selector. */
export function hasSelector({ spec }: Service): boolean {
  return spec?.type !== "ExternalName" && spec?.selector !== undefined && Object.keys(spec.selector).length > 0;
}

export const headlessLabel = "service.kubernetes.io/headless";
export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIP === "None";
