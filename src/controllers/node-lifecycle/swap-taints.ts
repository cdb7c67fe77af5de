import { node as nodeKind } from "../../api/kinds/core/node.ts";
import { keyOf } from "../../api/object.ts";
import type { Node, Taint } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Context } from "../../client/controller.ts";

/** What is to become of a node's taints. */
export interface TaintSwap {
  readonly add: readonly Taint[];
  readonly remove: readonly Taint[];
}

export function taintSwap(before: readonly Taint[], after: readonly Taint[]): TaintSwap {
  return { add: without(after, before), remove: without(before, after) };
}

/** The taints after the swap; those that somebody else put there meanwhile stay. */
export function swapped(taints: readonly Taint[], { add, remove }: TaintSwap): readonly Taint[] {
  return [...without(without(taints, remove), add), ...add];
}

/** Kubernetes' wait before it writes the taints of a node again that somebody else has changed, up to twice that by chance. */
const retryMs = 100;
const mostTries = 5;

/**
 * Swaps taints on the node as it was decided, whatever has become of it meanwhile: of the writes to a node that has just joined,
 * that of its taints is often the one that is refused, and comes a moment later. What is right then is decided afterwards.
 */
export async function swapTaints(context: Context, decidedOn: Node, swap: TaintSwap): Promise<Node> {
  if (swap.add.length === 0 && swap.remove.length === 0) return decidedOn;
  const { cache, client, pause } = context;
  const key = keyOf(decidedOn);
  let current = decidedOn;
  for (let tries = 1; ; tries++) {
    const { uid, resourceVersion } = current.metadata;
    const taints = swapped(current.spec.taints ?? [], swap);
    const document = { metadata: { uid, resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } };
    try {
      const written = await client.patch(nodeKind, key, { type: "merge", document });
      await cache.seen(written);
      return written;
    } catch (error) {
      if (!isReason(error, "Conflict") || tries === mostTries) throw error;
    }
    await pause(retryMs * (1 + Math.random()));
    const live = await client.get(nodeKind, key);
    if (live.metadata.uid !== uid) return decidedOn;
    current = live;
  }
}

function without(taints: readonly Taint[], others: readonly Taint[]): readonly Taint[] {
  return taints.filter((taint) => !others.some(({ key, effect }) => key === taint.key && effect === taint.effect));
}
