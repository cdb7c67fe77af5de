import { isDeepStrictEqual } from "node:util";
import { endpoints } from "../../api/kinds/core/endpoints.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { service } from "../../api/kinds/core/service.ts";
import { keyOf } from "../../api/object.ts";
import type { Service } from "../../api/schema/types.ts";
import { selectsAll } from "../../api/selector.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { defineController, settled } from "../../client/controller.ts";
import {
  hasSelector,
  headlessLabel,
  isHeadless,
  mattersToServices,
  readySince,
  servicesOf,
  triggerTime,
} from "../endpointslice/endpoints-of.ts";
import { changedPods, subsetsFor } from "./decide.ts";

const managedBy = "endpoints.kubernetes.io/managed-by";
const manager = "endpoint-controller";

export const endpointsController = defineController<Service>({
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
    if (!object) {
      // Only what this controller made: Endpoints may also be made by hand.
      if (current?.metadata.labels?.[managedBy] === manager)
        await carryOut(cache, [deletion(client, endpoints, current)]);
      return settled;
    }
    if (!hasSelector(object)) return settled;
    const { selector = {} } = object.spec ?? {};
    const pods = cache.list(pod, key.namespace).filter(({ metadata }) => selectsAll(selector, metadata.labels));
    const subsets = subsetsFor(object, pods);
    const labels: Record<string, string> = {
      ...object.metadata.labels,
      [managedBy]: manager,
      ...(isHeadless(object) && { [headlessLabel]: "" }),
    };
    const same =
      isDeepStrictEqual(current?.subsets ?? [], subsets) && isDeepStrictEqual(current?.metadata.labels, labels);
    if (current && same) return settled;

    const { [triggerTime]: _, ...others } = current?.metadata.annotations ?? {};
    const caused = readySince(changedPods(pods, current?.subsets ?? [], subsets));
    const time = caused ?? (current ? undefined : object.metadata.creationTimestamp);
    const annotations = { ...others, ...(time && { [triggerTime]: time }) };
    const content = subsets.length > 0 ? { subsets } : {};
    const { name, namespace = "" } = object.metadata;
    await carryOut(cache, [
      () => {
        if (!current)
          return client.create(endpoints, { metadata: { name, namespace, labels, annotations }, ...content });
        const { subsets: __, ...rest } = current;
        return client.update(endpoints, {
          ...rest,
          ...content,
          metadata: { ...current.metadata, labels, annotations },
        });
      },
    ]);
    return settled;
  },
});
