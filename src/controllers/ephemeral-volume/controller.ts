import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving } from "../../api/object.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimTemplate, Pod } from "../../api/schema/types.ts";
import { carryOut, type WriteStep } from "../../client/carry-out.ts";
import type { Unsaved } from "../../client/client.ts";
import { type Context, controllerOf, defineController, settled } from "../../client/controller.ts";
import { controlledBy } from "../ownership.ts";
import { isNamespaceLeaving } from "../pod-writes.ts";

/** Makes the claims of pods' ephemeral volumes; they go with their pod (Kubernetes docs, "Ephemeral Volumes"). */
export const ephemeralVolumeController = defineController<Pod>({
  name: "ephemeral-volume",
  component: "ephemeral_volume",
  account: "ephemeral-volume-controller",
  reconciles: pod,
  watches: [{ kind: persistentVolumeClaim, keys: controllerOf("Pod"), matters: ({ after }) => !after }],

  async reconcile(key, context) {
    const held = context.cache.get(pod, key);
    if (!held || isLeaving(held)) return settled;
    const writes = (held.spec.volumes ?? []).flatMap(({ name, ephemeral }) => {
      const template = ephemeral?.volumeClaimTemplate;
      const claim = { namespace: key.namespace, name: `${key.name}-${name}` };
      if (!template || context.cache.get(persistentVolumeClaim, claim)) return [];
      return [creation(held, claim.name, template, context)];
    });
    await carryOut(context.cache, writes);
    return settled;
  },
});

function creation(
  held: Pod,
  name: string,
  { metadata, spec }: PersistentVolumeClaimTemplate,
  { client, events }: Context,
): WriteStep {
  const { namespace } = held.metadata;
  const { labels, annotations } = metadata ?? {};
  const blank: Unsaved<PersistentVolumeClaim> = structuredClone({
    metadata: {
      name,
      ...(namespace && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ownerReferences: [controlledBy(pod, held)],
    },
    spec,
  });
  return async () => {
    try {
      return await client.create(persistentVolumeClaim, blank);
    } catch (error) {
      if (isNamespaceLeaving(error)) return undefined;
      const message = `PVC creation failed: ${(error as Error).message}`;
      events.record(held, { type: "Warning", reason: "FailedBinding", message });
      throw error;
    }
  };
}
