import type { EndpointSlice, Service } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";

/** Where a Service can be reached from here. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * An address behind a Service: one of its ready endpoints, so that nothing in between is needed.
 * @throws {Error} in Kubernetes' words when there is none
 */
export function addressOfService(
  store: Store,
  { namespace, name, port }: { readonly namespace: string; readonly name: string; readonly port: number },
): ServiceAddress {
  const entry = store.latest(`/services/${namespace}/${name}`);
  if (!entry) throw new Error(`service ${JSON.stringify(name)} not found`);
  const { spec } = heldObject(entry) as unknown as Service;
  if (spec?.type === "ExternalName") return { host: spec.externalName ?? "", port };
  const wanted = spec?.ports?.find((candidate) => candidate.port === port);
  if (!wanted) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  const slices = store
    .list(`/endpointslices.discovery.k8s.io/${namespace}/`)
    .entries.map((found) => heldObject(found) as unknown as EndpointSlice)
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name);
  const choices = slices.flatMap(({ ports, endpoints }) => {
    const target = ports?.find((candidate) => (candidate.name ?? "") === (wanted.name ?? ""))?.port;
    const ready = (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);
    return target === undefined
      ? []
      : ready.flatMap(({ addresses = [] }) => addresses.map((host) => ({ host, port: target })));
  });
  const choice = choices[Math.floor(Math.random() * choices.length)];
  if (!choice) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  return choice;
}
