import { lease } from "../../api/kinds/coordination/lease.ts";
import { node } from "../../api/kinds/core/node.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { keyOf } from "../../api/object.ts";
import type { Node, Pod } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { timeText } from "../../api/time.ts";
import type { Cache } from "../../client/cache.ts";
import { type Context, type Controller, defineController, settled } from "../../client/controller.ts";
import { isNodeReady, podsOnNode } from "../nodes.ts";
import { decide } from "./decide.ts";
import { swapTaints, taintSwap } from "./swap-taints.ts";
import { byHealth, type EvictionRates, EvictionTurns, evictionRate, healthIn, zoneOf } from "./zones.ts";

export interface NodeLifecycleOptions {
  /** How long a node may be silent before it counts as unreachable. */
  readonly graceMs: number;
  /** The same for a node that has not said a word yet. */
  readonly startupGraceMs: number;
  /** How often nodes are looked at that something is due for. */
  readonly periodMs: number;
  readonly rates: EvictionRates;
}

const leaseNamespace = "kube-node-lease";
/** Kubernetes' hint of how long kubelets may keep objects; 0 in clusters of up to 100 nodes. */
const ttlAnnotation = "node.alpha.kubernetes.io/ttl";

/** Notices nodes that fall silent and taints nodes by their conditions (Kubernetes docs, "Nodes", section "Node controller"). */
export function nodeLifecycleController(options: NodeLifecycleOptions): Controller {
  const { graceMs, startupGraceMs, periodMs, rates } = options;
  /** What was last heard of each node, and when by this machine's clock: the node's own clock may be wrong. */
  const heard = new Map<string, { word: string; atMs: number }>();
  /** The uid of each node that was told of. */
  const registered = new Map<string, string>();
  const turns = new EvictionTurns();

  return defineController({
    name: "node-lifecycle",
    component: "node-controller",
    reconciles: node,
    watches: [
      { kind: lease, keys: ({ metadata }) => (metadata.namespace === leaseNamespace ? [{ name: metadata.name }] : []) },
    ],
    reads: [pod],
    // More than usual: a round may pause (swap-taints.ts), and many nodes may join at once.
    workers: 100,

    async reconcile({ name }, context) {
      const { cache, client, events, now, elapsedMs } = context;
      const observed = cache.get(node, { name });
      if (!observed) {
        heard.delete(name);
        const uid = registered.get(name);
        if (uid !== undefined) {
          registered.delete(name);
          const message = `Node ${name} event: Removing Node ${name} from Controller`;
          events.record(referenceTo(name, uid), { type: "Normal", reason: "RemovingNode", message });
        }
        return settled;
      }
      if (!registered.has(name)) {
        const { uid = "" } = observed.metadata;
        registered.set(name, uid);
        const message = `Node ${name} event: Registered Node ${name} in Controller`;
        events.record(referenceTo(name, uid), { type: "Normal", reason: "RegisteredNode", message });
      }
      const word = wordOf(cache, observed);
      if (heard.get(name)?.word !== word) heard.set(name, { word, atMs: elapsedMs });
      // By what measures durations: a clock that is set makes no node silent.
      const heardAtMs = now - (elapsedMs - (heard.get(name)?.atMs ?? elapsedMs));

      const zone = zoneOf(observed);
      const rate = evictionRate(
        {
          ready: cache.count(node, byHealth, healthIn(zone, "ready")),
          down: cache.count(node, byHealth, healthIn(zone, "down")),
        },
        rates,
      );
      const decision = decide({
        node: observed,
        heardAtMs,
        now,
        graceMs,
        startupGraceMs,
        othersAreDown: cache.count(node, byHealth, healthIn("", "ready")) <= Number(isNodeReady(observed)),
        turnMs: turns.waitMs(zone, rate, elapsedMs),
      });
      if (decision.takesTurn) turns.take(zone, rate, elapsedMs);
      let current = observed;
      if (decision.conditions) {
        current = await client.updateStatus(node, {
          ...observed,
          status: { ...observed.status, conditions: [...decision.conditions] },
        });
        await cache.seen(current);
      }
      if (decision.fellSilent) await tellPods(context, current);
      const metadata = { labels: decision.labels, annotations: { [ttlAnnotation]: "0" } };
      if (Object.keys(decision.labels).length > 0 || observed.metadata.annotations?.[ttlAnnotation] === undefined)
        await cache.seen(await client.patch(node, { name }, { type: "merge", document: { metadata } }));
      const { scheduling, execution } = decision;
      current = await swapTaints(context, current, taintSwap(observed.spec.taints ?? [], scheduling));
      current = await swapTaints(context, current, taintSwap(scheduling, execution));
      // A node that is not well is looked at each period: what is due for it depends on the other nodes too.
      if (!isNodeReady(current)) return { again: { afterMs: periodMs } };
      if (decision.againAfterMs === undefined) return settled;
      return { again: { afterMs: Math.ceil(decision.againAfterMs / periodMs) * periodMs } };
    },
  });
}

/** All by which a node shows that it lives; a new text is a sign of life. */
function wordOf(cache: Cache, { metadata, status }: Node): string {
  const renewed = cache.get(lease, { namespace: leaseNamespace, name: metadata.name })?.spec?.renewTime ?? "";
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  // Unknown is what this controller wrote: not a word of the node's.
  const spoken = ready?.status === "Unknown" ? "" : (ready?.lastHeartbeatTime ?? "");
  return `${renewed} ${spoken}`;
}

/** The pods of a silent node are no longer ready: Services must not lead there. */
async function tellPods(context: Context, silent: Node): Promise<void> {
  const { cache, events } = context;
  const { name, uid = "" } = silent.metadata;
  events.record(referenceTo(name, uid), {
    type: "Normal",
    reason: "NodeNotReady",
    message: `Node ${name} status is now: NodeNotReady`,
  });
  await Promise.all(cache.by(pod, podsOnNode, name).map((held) => tellPod(context, held)));
}

async function tellPod({ client, events, now }: Context, held: Pod): Promise<void> {
  const conditions = held.status?.conditions ?? [];
  if (!conditions.some(({ type, status }) => type === "Ready" && status === "True")) return;
  const turned = conditions.map((condition) =>
    condition.type === "Ready" ? { ...condition, status: "False", lastTransitionTime: timeText(now) } : condition,
  );
  const document = { metadata: { uid: held.metadata.uid }, status: { conditions: turned } };
  try {
    await client.patch(pod, keyOf(held), { type: "merge", document }, { subresource: "status" });
  } catch (error) {
    // It has gone, or another one has its name: the others are told all the same.
    if (isReason(error, "NotFound") || isReason(error, "Conflict")) return;
    throw error;
  }
  events.record(held, { type: "Warning", reason: "NodeNotReady", message: "Node is not ready" });
}

function referenceTo(name: string, uid: string) {
  return { apiVersion: "v1", kind: "Node", name, uid };
}
