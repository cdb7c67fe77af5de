import { node as nodeKind } from "../api/kinds/core/node.ts";
import type { Node } from "../api/schema/types.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";
import { blockedCondition } from "./paths/watch-paths.ts";
import { internalIpOf } from "./pods/routes.ts";
import { endpointAt, heardAtAnnotation, heardAtOf, publicKeyOf } from "./pods/wireguard.ts";

/**
 * A node that misses another's packets may be behind a router that rewrites addresses: when one says so, the server, whose node
 * hears both, says on their Nodes where. They cannot know that themselves, and a node may say nothing of another.
 */
export function publishHeard(
  client: Client,
  { informers, heard, log }: { informers: Informers; heard: () => Promise<ReadonlyMap<string, string>>; log: Log },
): Disposable {
  const nodes = informers.of(nodeKind);
  async function publish(): Promise<void> {
    const places = await heard();
    for (const node of nodes.list().filter(missesOthers)) {
      const place = places.get(publicKeyOf(node) ?? "");
      const ownPlace = endpointAt(internalIpOf(node) ?? "");
      if (place === undefined || place === (heardAtOf(node) ?? ownPlace)) continue;
      log.info("a node is heard elsewhere than where it says it is; others are told", {
        node: node.metadata.name,
        place,
      });
      const document = { metadata: { annotations: { [heardAtAnnotation]: place } } };
      await client.patch(nodeKind, { name: node.metadata.name }, { type: "merge", document });
    }
  }
  // Each time that such a node says anything: it may be heard only now, or elsewhere than before.
  return nodes.onChange(({ after }) => {
    if (!after || !missesOthers(after)) return;
    publish().catch((error: unknown) => log.warn("where nodes are heard could not be told", { error }));
  });
}

const missesOthers = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status }) => type === blockedCondition && status === "True") ?? false;
