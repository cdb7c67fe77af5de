import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { isLeaving } from "../../api/object.ts";
import { claimOfVolume, ephemeralClaimFault } from "../../api/pod-claims.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimTemplate, Pod } from "../../api/schema/types.ts";
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
    for (const volume of held.spec.volumes ?? []) {
      const [claim, template] = [claimOfVolume(held, volume), volume.ephemeral?.volumeClaimTemplate];
      if (!claim || !template) continue;
      try {
        await ensureClaim(held, claim.name, template, context);
      } catch (error) {
        const message = `ephemeral volume ${volume.name}: ${(error as Error).message}`;
        context.events.record(held, { type: "Warning", reason: "FailedBinding", message });
        throw error;
      }
    }
    return settled;
  },
});

/** Makes the claim unless it is there. @throws when another one of its name is */
async function ensureClaim(
  held: Pod,
  name: string,
  { metadata, spec }: PersistentVolumeClaimTemplate,
  { cache, client }: Context,
): Promise<void> {
  const { namespace } = held.metadata;
  const present = cache.get(persistentVolumeClaim, { namespace, name });
  const fault = present && ephemeralClaimFault(present, held);
  if (fault) throw new Error(fault);
  if (present) return;
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
  try {
    await cache.seen(await client.create(persistentVolumeClaim, blank));
  } catch (error) {
    if (isNamespaceLeaving(error)) return;
    throw new Error(`create PVC ${name}: ${(error as Error).message}`, { cause: error });
  }
}
