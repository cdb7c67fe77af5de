import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { service } from "../../api/kinds/core/service.ts";
import { endpointSlice } from "../../api/kinds/discovery/endpoint-slice.ts";
import { isLeaving, type KubeObject } from "../../api/object.ts";
import type { EndpointSlice, Service } from "../../api/schema/types.ts";
import { selectsAll } from "../../api/selector.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { defineController, settled } from "../../client/controller.ts";
import { controlledBy } from "../ownership.ts";
import { generateNameFrom } from "../pods.ts";
import { decide, isOurs, serviceOf } from "./decide.ts";
import { hasSelector, mattersToServices, servicesOf } from "./endpoints-of.ts";

/** Slices by the Service they belong to. */
const byService = (slice: EndpointSlice): readonly string[] => [`${slice.metadata.namespace}/${serviceOf(slice)}`];

export const endpointSliceController = defineController<Service>({
  name: "endpointslice",
  component: "endpoint-slice-controller",
  account: "endpointslice-controller",
  reconciles: service,
  watches: [
    { kind: pod, keys: servicesOf, matters: mattersToServices },
    {
      kind: endpointSlice,
      keys: (slice: KubeObject) => {
        const name = serviceOf(slice as EndpointSlice);
        return name ? [{ namespace: slice.metadata.namespace, name }] : [];
      },
    },
  ],
  reads: [node],

  async reconcile(key, { cache, client }) {
    const object = cache.get(service, key);
    if (!object || isLeaving(object) || !hasSelector(object)) return settled;
    const { create, update, remove } = decide({
      service: object,
      pods: cache
        .list(pod, key.namespace)
        .filter(({ metadata }) => selectsAll(object.spec?.selector ?? {}, metadata.labels)),
      slices: cache
        .by(endpointSlice, byService, `${key.namespace}/${key.name}`)
        .filter((slice) => isOurs(slice) && !isLeaving(slice)),
      zoneOf: (name) => cache.get(node, { name })?.metadata.labels?.["topology.kubernetes.io/zone"],
    });
    await carryOut(cache, [
      ...update.map(({ slice, content: { labels, annotations, ...content } }) => () => {
        const { endpoints: _, ports: __, ...rest } = slice;
        return client.update(endpointSlice, {
          ...rest,
          ...content,
          metadata: { ...slice.metadata, labels, annotations },
        });
      }),
      ...create.map(({ labels, annotations, ...content }) => () => {
        const metadata = {
          generateName: generateNameFrom(key.name),
          ...(key.namespace && { namespace: key.namespace }),
          labels: { ...labels },
          annotations,
          ownerReferences: [controlledBy(service, object)],
        };
        return client.create(endpointSlice, { ...structuredClone(content), metadata });
      }),
      ...remove.map((slice) => deletion(client, endpointSlice, slice)),
    ]);
    return settled;
  },
});
