import http, { type ClientRequest, type RequestOptions } from "node:http";
import https, { type Agent } from "node:https";
import { type Duplex, PassThrough } from "node:stream";
import { type ConnectionOptions, connect } from "node:tls";
import { service } from "../../api/kinds/core/service.ts";
import { endpointSlice } from "../../api/kinds/discovery/endpoint-slice.ts";
import type { APIServiceSpec, EndpointSlice } from "../../api/schema/types.ts";
import type { Store } from "../../store/contract.ts";
import type { NodeDialer } from "../node-dialer.ts";
import { committedObject, committedObjects } from "../registry/objects.ts";

/** Where a Service can be reached: at an address, or in a pod through the tunnel of its node. */
export type Place =
  | { readonly sort: "address"; readonly host: string; readonly port: number }
  | { readonly sort: "pod"; readonly node: string; readonly path: string };

type ServiceReference = NonNullable<APIServiceSpec["service"]>;

/** One of the places that serve; undefined when there is none. Pods are reached through their nodes where that is possible. */
export function placeOf(
  store: Store,
  nodes: NodeDialer,
  { name = "", namespace = "", port = 443 }: ServiceReference,
): Place | undefined {
  const found = committedObject(store, service, { namespace, name });
  if (!found) return undefined;
  const { spec } = found;
  if (spec?.type === "ExternalName") return { sort: "address", host: spec.externalName ?? "", port };
  const wanted = spec?.ports?.find((candidate) => candidate.port === port);
  const places = slicesOf(store, namespace, name).flatMap((slice) => placesIn(slice, wanted?.name ?? "", nodes));
  return places[Math.floor(Math.random() * places.length)];
}

/** The EndpointSlices of a Service. */
export function slicesOf(store: Store, namespace: string, service: string): EndpointSlice[] {
  return committedObjects(store, endpointSlice, namespace).filter(
    ({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === service,
  );
}

function placesIn({ ports, endpoints }: EndpointSlice, portName: string, nodes: NodeDialer): Place[] {
  const port = ports?.find((candidate) => (candidate.name ?? "") === portName)?.port;
  if (port === undefined) return [];
  return (endpoints ?? []).flatMap<Place>(({ conditions, addresses, nodeName, targetRef }) => {
    const [host] = addresses;
    if (conditions?.ready === false || host === undefined) return [];
    if (nodeName && targetRef?.kind === "Pod" && nodes.has(nodeName))
      return [
        { sort: "pod", node: nodeName, path: `/portForward/${targetRef.namespace}/${targetRef.name}?port=${port}` },
      ];
    return [{ sort: "address", host, port }];
  });
}

/** A request as node:https takes it, with what is to be trusted and shown on its connection. */
export interface SecureRequest {
  readonly request: RequestOptions;
  readonly tls: ConnectionOptions;
  /** Keeps connections to addresses open for the next request. */
  readonly agent: Agent;
}

/** Begins an HTTPS request to a place. Where it is in a pod, the connection goes through its node, and is not kept. */
export function requestTo(nodes: NodeDialer, place: Place, { request, tls, agent }: SecureRequest): ClientRequest {
  if (place.sort === "address") return https.request({ ...request, ...tls, agent, host: place.host, port: place.port });
  // No agent may be named: one would connect by itself.
  return http.request({
    ...request,
    createConnection: (_, connected) => {
      openPodPort(nodes, place)
        .then((socket) => connect({ ...tls, socket }))
        .then(
          (secured) => connected(null, secured),
          // Nobody looks at the stream behind an error, but there has to be one.
          (error: Error) => connected(error, new PassThrough()),
        );
      return undefined;
    },
  });
}

/** A connection to a port of a pod: raw bytes both ways. */
async function openPodPort(nodes: NodeDialer, place: Extract<Place, { sort: "pod" }>): Promise<Duplex> {
  const { status, stream } = await nodes.open(place.node, { method: "POST", path: place.path });
  if (status < 300) return stream;
  stream.destroy();
  throw new Error(`the node ${place.node} answered ${status}`);
}
