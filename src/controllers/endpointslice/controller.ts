import { isDeepStrictEqual } from "node:util";
import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { service } from "../../api/kinds/core/service.ts";
import { endpointSlice } from "../../api/kinds/discovery/endpoint-slice.ts";
import { isLeaving, type KubeObject, keyFrom, keyOf, keyText } from "../../api/object.ts";
import type { EndpointSlice, Node, Service } from "../../api/schema/types.ts";
import { selectsAll } from "../../api/selector.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { type Context, type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { controlledBy } from "../ownership.ts";
import { creationUnlessLeaving } from "../pod-writes.ts";
import { generateNameFrom } from "../pods.ts";
import { podsOnNode } from "../pods-on-node.ts";
import { type Decision, decide, isOurs, serviceOf } from "./decide.ts";
import { hasSelector, mattersToServices, servicesOf } from "./endpoints-of.ts";
import { zoneShares } from "./topology.ts";
import { TriggerTimes } from "./trigger-times.ts";

/** Slices by the Service they belong to. */
const byService = (slice: EndpointSlice): readonly string[] => [`${slice.metadata.namespace}/${serviceOf(slice)}`];

const slicesOfServices: Watched = {
  kind: endpointSlice,
  keys: (slice: KubeObject) => {
    const name = serviceOf(slice as EndpointSlice);
    return name ? [{ namespace: slice.metadata.namespace, name }] : [];
  },
};

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
    watches: [{ kind: pod, keys: servicesOf, matters: mattersToServices }, slicesOfServices, nodes],

    async reconcile(key, context) {
      const { cache, events } = context;
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
        slices: cache.by(endpointSlice, byService, keyText(key)).filter((slice) => isOurs(slice) && !isLeaving(slice)),
        nodeOf: (name) => cache.get(node, { name }),
        causedAt: triggers.next(object, pods),
        size,
        shares: zoneShares(cache.list(node)),
        hadHints: withHints.has(keyText(key)),
      });
      withHints[decision.hasHints ? "add" : "delete"](keyText(key));
      for (const news of decision.news) events.record(object, news);
      await write(object, decision, context);
      return settled;
    },
  });
}

async function write(object: Service, { create, update, remove }: Decision, { cache, client }: Context): Promise<void> {
  const { namespace, name } = keyOf(object);
  await carryOut(cache, [
    ...update.map(({ slice, content: { labels, annotations, ...content } }) => () => {
      const { endpoints: _, ports: __, ...rest } = slice;
      return client.update(endpointSlice, {
        ...rest,
        ...content,
        metadata: { ...slice.metadata, labels, annotations },
      });
    }),
    ...create.map(({ labels, annotations, ...content }) => {
      const metadata = {
        generateName: generateNameFrom(name),
        ...(namespace && { namespace }),
        labels: { ...labels },
        annotations,
        ownerReferences: [controlledBy(service, object)],
      };
      return creationUnlessLeaving(() => client.create(endpointSlice, { ...structuredClone(content), metadata }));
    }),
    ...remove.map((slice) => deletion(client, endpointSlice, slice)),
  ]);
}

/** What of a node bears on where traffic should go. */
function essence(object: Node | undefined): unknown {
  if (!object) return undefined;
  const { metadata, status } = object;
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status;
  return [metadata.labels?.["topology.kubernetes.io/zone"], ready, status?.allocatable?.cpu];
}
