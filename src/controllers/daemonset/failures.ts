import { type KubeObject, keyOf, keyText, type ObjectKey } from "../../api/object.ts";
import { delayMs } from "../../base/backoff.ts";

/** How long to wait before a pod that failed is replaced: longer each time on the same node. Kubernetes' figures. */
const waits = { firstMs: 1000, maxMs: 15 * 60_000 };

interface OfOwner {
  /** Which owner of this name, and which version of its spec: another one begins anew. */
  readonly version: string;
  /** By node: how often pods failed there in a row, and when the last of them may be replaced, in running time. */
  readonly byNode: Map<string, { readonly count: number; readonly untilMs: number }>;
}

/** Remembers on which nodes the pods of an owner failed, so that one that fails at once is not made anew without end. */
export class Failures {
  readonly #owners = new Map<string, OfOwner>();

  /** How long a pod that failed on the node is still to be left there. */
  waitMs(owner: KubeObject, node: string, elapsedMs: number): number {
    return Math.max(0, (this.#of(owner).byNode.get(node)?.untilMs ?? 0) - elapsedMs);
  }

  /** A pod that failed on the node is replaced now: the next one waits longer, unless this one held for long. */
  count(owner: KubeObject, node: string, elapsedMs: number): void {
    const { byNode } = this.#of(owner);
    const { count, untilMs } = byNode.get(node) ?? { count: 0, untilMs: elapsedMs };
    const failed = elapsedMs - untilMs > 2 * waits.maxMs ? 0 : count;
    byNode.set(node, { count: failed + 1, untilMs: elapsedMs + delayMs(failed, waits) });
  }

  forget(owner: ObjectKey): void {
    this.#owners.delete(keyText(owner));
  }

  #of(owner: KubeObject): OfOwner {
    const name = keyText(keyOf(owner));
    const version = `${owner.metadata.uid} ${owner.metadata.generation}`;
    const known = this.#owners.get(name);
    if (known?.version === version) return known;
    const fresh: OfOwner = { version, byNode: new Map() };
    this.#owners.set(name, fresh);
    return fresh;
  }
}
