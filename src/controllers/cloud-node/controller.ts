import { isDeepStrictEqual } from "node:util";
import { node } from "../../api/kinds/core/node.ts";
import { isLeaving } from "../../api/object.ts";
import type { Node } from "../../api/schema/types.ts";
import { type Controller, defineController, settled } from "../../client/controller.ts";
import type { CloudProvider } from "../cloud/provider.ts";
import { initialized } from "./decide.ts";

/** Says of new nodes what machines they are, and lets pods come to those that wait for it. */
export function cloudNodeController({ instanceOf }: CloudProvider): Controller {
  return defineController<Node>({
    name: "cloud-node",
    account: "node-controller",
    reconciles: node,
    // Heartbeats and what nodes report mean no work.
    matters: ({ before, after }) => !isDeepStrictEqual(before && known(before), after && known(after)),

    async reconcile(key, { cache, client, events }) {
      const found = cache.get(node, key);
      if (!found || isLeaving(found)) return settled;
      const wasNew = !found.spec?.providerID;
      const next = initialized(found, instanceOf(found));
      if (!next) return settled;
      await cache.seen(await client.update(node, next));
      if (wasNew) events.record(found, { type: "Normal", reason: "Synced", message: "Node synced successfully" });
      return settled;
    },
  });

  function known(object: Node): unknown {
    return [object.metadata.labels, object.spec, instanceOf(object)];
  }
}
