import { node as nodeKind } from "../../api/kinds/core/node.ts";
import { pod as podKind } from "../../api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../../api/object.ts";
import type { Pod } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Client } from "../../client/client.ts";
import { ifThere } from "../../client/if-there.ts";
import { configHash, mirror } from "./read.ts";

/** The API's pictures of the node's static pods: people see them there and change nothing by them. */
export interface MirrorPods {
  /** Shows a static pod with its status; its picture is made where it is absent, and made anew where it is another's. */
  show(pod: Pod): Promise<void>;
  /** Takes a picture away whose pod is gone. */
  remove(picture: Pod): Promise<void>;
}

export function openMirrorPods({ client, nodeName }: { client: Client; nodeName: string }): MirrorPods {
  const there = (pod: Pod): Promise<Pod | undefined> => ifThere(client.get(podKind, keyOf(pod)));

  async function make(pod: Pod): Promise<Pod> {
    const { name, namespace, labels, annotations = {} } = pod.metadata;
    const owner = await client.get(nodeKind, { name: nodeName });
    return client.create(podKind, {
      metadata: {
        name,
        ...(namespace && { namespace }),
        ...(labels && { labels }),
        annotations: { ...annotations, [mirror]: annotations[configHash] ?? "" },
        ownerReferences: [
          { apiVersion: "v1", kind: "Node", name: nodeName, uid: owner.metadata.uid ?? "", controller: true },
        ],
      },
      spec: pod.spec,
    });
  }

  async function remove(picture: Pod): Promise<void> {
    const { uid } = picture.metadata;
    try {
      await client.delete(podKind, keyOf(picture), { gracePeriodSeconds: 0, ...(uid && { preconditions: { uid } }) });
    } catch (error) {
      // Another picture may have its place already.
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }

  return {
    async show(pod) {
      const found = await there(pod);
      const isOurs = found?.metadata.annotations?.[mirror] === pod.metadata.annotations?.[configHash];
      if (found && (!isOurs || isLeaving(found))) await remove(found);
      const picture = found && isOurs && !isLeaving(found) ? found : await make(pod);
      if (pod.status) await client.updateStatus(podKind, { ...picture, status: pod.status });
    },
    remove,
  };
}
