import { endpoints } from "../../api/kinds/core/endpoints.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { service } from "../../api/kinds/core/service.ts";
import { keyOf, keyText } from "../../api/object.ts";
import type { Service } from "../../api/schema/types.ts";
import { selectsAll } from "../../api/selector.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";
import { hasSelector, mattersToServices, servicesOf } from "../endpointslice/endpoints-of.ts";
import { TriggerTimes } from "../endpointslice/trigger-times.ts";
import { creationUnlessLeaving } from "../pod-writes.ts";
import { decide, managedBy, manager } from "./decide.ts";

/** Keeps the Endpoints of Services with a selector: the older form of EndpointSlices. */
export function endpointsController(): Controller {
  const triggers = new TriggerTimes();
  return defineController<Service>({
    name: "endpoints",
    component: "endpoint-controller",
    reconciles: service,
    watches: [
      { kind: pod, keys: servicesOf, matters: mattersToServices },
      { kind: endpoints, keys: (object) => [keyOf(object)] },
    ],

    async reconcile(key, { cache, client }) {
      const object = cache.get(service, key);
      const current = cache.get(endpoints, key);
      if (!object || !hasSelector(object)) {
        triggers.forget(keyText(key));
        // Only what this controller made: Endpoints may also be made by hand.
        if (!object && current?.metadata.labels?.[managedBy] === manager)
          await carryOut(cache, [deletion(client, endpoints, current)]);
        return settled;
      }
      const { selector = {} } = object.spec ?? {};
      const pods = cache.list(pod, key.namespace).filter(({ metadata }) => selectsAll(selector, metadata.labels));
      const wanted = decide(object, { pods, current, causedAt: triggers.next(object, pods) });
      if (!wanted) return settled;
      const { subsets, labels, annotations } = wanted;
      const content = subsets.length > 0 ? { subsets } : {};
      const { name, namespace = "" } = object.metadata;
      await carryOut(cache, [
        creationUnlessLeaving(() => {
          if (!current)
            return client.create(endpoints, { metadata: { name, namespace, labels, annotations }, ...content });
          const { subsets: _, ...rest } = current;
          return client.update(endpoints, {
            ...rest,
            ...content,
            metadata: { ...current.metadata, labels, annotations },
          });
        }),
      ]);
      return settled;
    },
  });
}
