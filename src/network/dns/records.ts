import type { KubeObject } from "../../api/object.ts";
import type { EndpointSlice, Service } from "../../api/schema/types.ts";
import { ipText, parseIp } from "../../base/ip.ts";
import type { Informer } from "../../client/informer.ts";
import { clusterIpsOf } from "../service-facts.ts";
import { serviceOfSlice } from "../services/proxy.ts";
import type { ClusterRecords } from "./answer.ts";

/** The cluster's records straight from the informers: nothing is kept that could go stale. */
export function recordsFrom({
  services,
  slices,
  namespaces,
}: {
  services: Informer<Service>;
  slices: Informer<EndpointSlice>;
  namespaces: Informer<KubeObject>;
}): ClusterRecords {
  return {
    hasNamespace: (name) => namespaces.get({ name }) !== undefined,
    service: (namespace, name) => services.get({ namespace, name }),
    slices: (namespace, service) => slices.by(serviceOfSlice, `${namespace}/${service}`),
    servicesAt: (ip) => services.by(byClusterIp, ip),
    slicesAt: (ip) => slices.by(byAddress, ip),
  };
}

const byClusterIp = (service: Service): readonly string[] => clusterIpsOf(service).map(canonical);
const byAddress = ({ endpoints }: EndpointSlice): readonly string[] =>
  (endpoints ?? []).flatMap(({ addresses }) => addresses.map(canonical));

function canonical(text: string): string {
  const ip = parseIp(text);
  return ip ? ipText(ip) : text;
}
