import { isDeepStrictEqual } from "node:util";
import { daemonSet } from "../../api/kinds/apps/daemon-set.ts";
import { node } from "../../api/kinds/core/node.ts";
import { isLeaving, keyOf, keyText } from "../../api/object.ts";
import type { DaemonSet, Node, Pod } from "../../api/schema/types.ts";
import { carryOut } from "../../client/carry-out.ts";
import type { Unsaved } from "../../client/client.ts";
import { againIn, type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { controlledBy } from "../ownership.ts";
import { creationOf, removalOf } from "../pod-writes.ts";
import { generateNameFrom, podFromTemplate } from "../pods.ts";
import {
  familyOf,
  forgetOld,
  historyOf,
  keepCurrent,
  revisionLabel,
  revisionOfPod,
  watchFamily,
} from "../revisions.ts";
import { statusWrite } from "../status-writes.ts";
import { decide } from "./decide.ts";
import { Failures } from "./failures.ts";
import { daemonTolerations, targetNode } from "./nodes.ts";

const templateGeneration = "deprecated.daemonset.template.generation";
const generationLabel = "pod-template-generation";

/** Keeps a pod on each node that should have one (Kubernetes docs, "DaemonSet"). */
export function daemonSetController(): Controller {
  const failures = new Failures();

  return defineController<DaemonSet>({
    name: "daemonset",
    account: "daemon-set-controller",
    reconciles: daemonSet,
    watches: [...watchFamily(daemonSet), changedNodes],

    async reconcile(key, context) {
      const { cache, client, events, now, elapsedMs } = context;
      const object = cache.get(daemonSet, key);
      if (!object || isLeaving(object)) {
        failures.forget(key);
        return settled;
      }
      const { pods, revisions, reference, adopting } = familyOf(daemonSet, object, { cache, client });
      if (adopting.length > 0) {
        // The adopted come back changed, and with them this key.
        await carryOut(cache, adopting);
        return againIn(0);
      }

      const history = historyOf(object, revisions, { hashLabel: revisionLabel, reference });
      await carryOut(cache, keepCurrent(client, history));
      const hash = history.current.metadata.labels?.[revisionLabel] ?? "";
      const waitMs = (failed: Pod): number => failures.waitMs(object, targetNode(failed) ?? "", elapsedMs);
      const decision = decide({ daemonSet: object, nodes: cache.list(node), pods, hash, waitMs, now });

      for (const ended of decision.ended) {
        if (ended.status?.phase === "Failed") failures.count(object, targetNode(ended) ?? "", elapsedMs);
        events.record(object, farewell(ended));
      }
      let failure: unknown;
      try {
        await carryOut(cache, [
          ...decision.create.map((name) => creationOf(daemonPod(object, name, hash), object, context)),
          ...[...decision.remove, ...decision.ended].map((one) => removalOf(one, object, context)),
        ]);
      } catch (error) {
        failure = error;
      }
      const live = new Set(pods.map(revisionOfPod));
      const isLive = ({ metadata }: { metadata: { labels?: Record<string, string> } }): boolean =>
        live.has(metadata.labels?.[revisionLabel]);
      await carryOut(cache, forgetOld(client, object, { old: history.old, isLive, countsLive: true }));
      if (!isDeepStrictEqual(decision.status, object.status))
        await carryOut(cache, [statusWrite(client, daemonSet, object, decision.status)]);
      if (failure) throw failure;
      return againIn(decision.againMs);
    },
  });
}

const changedNodes: Watched<Node> = {
  kind: node,
  keys: (_node, cache) => cache.list(daemonSet).map(keyOf),
  // A node that goes means nothing yet: it may come back, and its pods are for the pod garbage collection.
  matters: ({ before, after }) =>
    after !== undefined &&
    (!isDeepStrictEqual(before?.metadata.labels, after.metadata.labels) ||
      !isDeepStrictEqual(before?.spec.taints, after.spec.taints) ||
      !before),
};

function farewell(ended: Pod) {
  const [word, how, what] =
    ended.status?.phase === "Succeeded" ? ["Succeeded", "Normal", "delete"] : ["Failed", "Warning", "kill"];
  const name = `${word.toLowerCase()} daemon pod ${keyText(keyOf(ended))} on node ${targetNode(ended)}`;
  return {
    type: how as "Normal" | "Warning",
    reason: `${word}DaemonPod`,
    message: `Found ${name}, will try to ${what} it`,
  };
}

/** A pod of the template for one node: the scheduler binds it, and there only. */
function daemonPod(object: DaemonSet, nodeName: string, hash: string): Unsaved<Pod> {
  const { metadata, spec } = podFromTemplate(object.spec.template, object.metadata.namespace ?? "");
  const generation = object.metadata.annotations?.[templateGeneration];
  const nodeSelectorTerms = [{ matchFields: [{ key: "metadata.name", operator: "In", values: [nodeName] }] }];
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
  };
  return {
    metadata: {
      ...metadata,
      generateName: generateNameFrom(object.metadata.name),
      labels: {
        ...metadata.labels,
        [revisionLabel]: hash,
        ...(generation && { [generationLabel]: generation }),
      },
      ownerReferences: [controlledBy(daemonSet, object)],
    },
    spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity }, tolerations: daemonTolerations(spec) },
  };
}
