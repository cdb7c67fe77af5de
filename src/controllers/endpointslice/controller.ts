import { isDeepStrictEqual } from "node:util";
import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { service } from "../../api/kinds/core/service.ts";
import { endpointSlice } from "../../api/kinds/discovery/endpoint-slice.ts";
import { isLeaving, keyFrom, keyText } from "../../api/object.ts";
import type { EndpointSlice, Node, Service } from "../../api/schema/types.ts";
import { selectsAll } from "../../api/selector.ts";
import { carryOut } from "../../client/carry-out.ts";
import { type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { podsOnNode, readyStatusOf, zoneLabel } from "../nodes.ts";
import { controlledBy } from "../ownership.ts";
import { decide, manager } from "./decide.ts";
import { hasSelector, mattersToServices, servicesOf } from "./endpoints-of.ts";
import { isManagedBy, keysOfSlice, serviceOf, sliceWrites } from "./slices.ts";
import { zoneShares } from "./topology.ts";
import { TriggerTimes } from "./trigger-times.ts";

/** Slices by the Service they belong to. */
const byService = (slice: EndpointSlice): readonly string[] => [`${slice.metadata.namespace}/${serviceOf(slice)}`];

/** Keeps the slices of Services with a selector (Kubernetes docs, "EndpointSlices"). */
export function endpointSliceController({ size }: { readonly size: number }): Controller {
  const triggers = new TriggerTimes();
  /** Services whose endpoints have hints by the shares of zones. */
  const withHints = new Set<string>();
  /** A node matters to Services whose pods wait for it to be known, and to those whose hints go by the shares of zones. */
  const nodes: Watched<Node> = {
    kind: node,
    keys: ({ metadata }, cache) => [
      ...cache.by(pod, podsOnNode, metadata.name).flatMap((one) => servicesOf(one, cache)),
      ...[...withHints].map(keyFrom),
    ],
    matters: ({ before, after }) => !isDeepStrictEqual(essence(before), essence(after)),
  };

  return defineController<Service>({
    name: "endpointslice",
    component: "endpoint-slice-controller",
    account: "endpointslice-controller",
    reconciles: service,
    watches: [
      { kind: pod, keys: servicesOf, matters: mattersToServices },
      { kind: endpointSlice, keys: keysOfSlice },
      nodes,
    ],

    async reconcile(key, { cache, client, events }) {
      const object = cache.get(service, key);
      if (!object || isLeaving(object) || !hasSelector(object)) {
        triggers.forget(keyText(key));
        withHints.delete(keyText(key));
        return settled;
      }
      const pods = cache
        .list(pod, key.namespace)
        .filter(({ metadata }) => selectsAll(object.spec?.selector ?? {}, metadata.labels));
      const decision = decide({
        service: object,
        pods,
        slices: cache
          .by(endpointSlice, byService, keyText(key))
          .filter((slice) => isManagedBy(slice, manager) && !isLeaving(slice)),
        nodeOf: (name) => cache.get(node, { name }),
        causedAt: triggers.next(object, pods),
        size,
        shares: zoneShares(cache.list(node)),
        hadHints: withHints.has(keyText(key)),
      });
      withHints[decision.hasHints ? "add" : "delete"](keyText(key));
      for (const news of decision.news) events.record(object, news);
      await carryOut(cache, sliceWrites(decision, { of: key, owner: controlledBy(service, object), client }));
      return settled;
    },
  });
}

/** What of a node bears on where traffic should go. */
function essence(object: Node | undefined): unknown {
  if (!object) return undefined;
  const { metadata, status } = object;
  return [metadata.labels?.[zoneLabel], readyStatusOf(object), status?.allocatable?.cpu];
}
