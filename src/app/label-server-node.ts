import { node as nodeKind } from "../api/kinds/core/node.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import type { Informers } from "../client/informer.ts";

const label = "node-role.kubernetes.io/control-plane";

/** Says of this server's own node what it is. A node may not say it of itself: no device makes itself a server. */
export function labelServerNode(client: Client, informers: Informers, nodeName: string, log: Log): Disposable {
  return informers.of(nodeKind).onChange(({ key, after }) => {
    if (key.name !== nodeName || !after || after.metadata.labels?.[label] !== undefined) return;
    const document = { metadata: { labels: { [label]: "true" } } };
    client
      .patch(nodeKind, { name: nodeName }, { type: "merge", document })
      .catch((error: unknown) => log.warn("the server's node could not be labelled", { error }));
  });
}
