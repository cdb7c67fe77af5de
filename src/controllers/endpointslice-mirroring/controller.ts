import { endpoints } from "../../api/kinds/core/endpoints.ts";
import { service } from "../../api/kinds/core/service.ts";
import { endpointSlice } from "../../api/kinds/discovery/endpoint-slice.ts";
import { isLeaving, keyOf, keyText } from "../../api/object.ts";
import type { EndpointSlice, Endpoints, Service } from "../../api/schema/types.ts";
import { carryOut } from "../../client/carry-out.ts";
import { type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { isManagedBy, keysOfSlice, serviceOf, sliceWrites } from "../endpointslice/slices.ts";
import { controlledBy } from "../ownership.ts";
import { decide, manager } from "./decide.ts";

/** Mirrored slices by the Service they belong to. */
const byService = (slice: EndpointSlice): readonly string[] =>
  isManagedBy(slice, manager) ? [keyText({ namespace: slice.metadata.namespace, name: serviceOf(slice) ?? "" })] : [];

const services: Watched<Service> = {
  kind: service,
  keys: (object) => [keyOf(object)],
  // Endpoints are mirrored as long as there is a Service, and as long as this has no selector.
  matters: ({ before, after }) => !before || !after || !before.spec?.selector !== !after.spec?.selector,
};

const slices: Watched<EndpointSlice> = {
  kind: endpointSlice,
  keys: (slice) => (isManagedBy(slice, manager) ? keysOfSlice(slice) : []),
};

/** Mirrors Endpoints that were written by hand (Kubernetes docs, "Service", section "EndpointSlice mirroring"). */
export function endpointSliceMirroringController({ most }: { readonly most: number }): Controller {
  return defineController<Endpoints>({
    name: "endpointslice-mirroring",
    component: "endpoint-slice-mirroring-controller",
    account: "endpointslicemirroring-controller",
    reconciles: endpoints,
    watches: [services, slices],

    async reconcile(key, { cache, client, events }) {
      const object = cache.get(endpoints, key);
      const { news, ...changes } = decide({
        endpoints: object,
        service: cache.get(service, key),
        slices: cache.by(endpointSlice, byService, keyText(key)).filter((slice) => !isLeaving(slice)),
        most,
      });
      if (object) for (const one of news) events.record(object, one);
      const owner = object && controlledBy(endpoints, object);
      await carryOut(cache, sliceWrites(changes, { of: key, owner, client }));
      return settled;
    },
  });
}
