import { isDeepStrictEqual } from "node:util";
import { attachmentName } from "../../api/csi-names.ts";
import { node } from "../../api/kinds/core/node.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { csiDriver } from "../../api/kinds/storage/csi-driver.ts";
import { volumeAttachment } from "../../api/kinds/storage/volume-attachment.ts";
import { keyFrom, keyOf, keyText, type ObjectKey } from "../../api/object.ts";
import { hasEnded } from "../../api/pod-phase.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import type { Cache } from "../../client/cache.ts";
import { carryOut, deletion } from "../../client/carry-out.ts";
import { againIn, type Controller, defineController, settled, type Watched } from "../../client/controller.ts";
import { podsByClaim } from "../claims-of-pod.ts";
import { podsOnNode, readyStatusOf } from "../nodes.ts";
import { decide } from "./decide.ts";
import { type Attachable, attachable } from "./volumes.ts";

/** Nodes whose kubelet attaches by itself say nothing of this. */
const managed = "volumes.kubernetes.io/controller-managed-attach-detach";

const byNode = ({ spec }: VolumeAttachment): readonly string[] => [spec.nodeName];
const byVolume = ({ spec }: VolumeAttachment): readonly string[] => [spec.source.persistentVolumeName ?? ""];

/** Pods without claims are no concern of anybody here. */
const podsWithClaims: Watched<Pod> = {
  kind: pod,
  keys: (one) => (one.spec.nodeName && podsByClaim(one).length > 0 ? [{ name: one.spec.nodeName }] : []),
};

const claimsOfPods: Watched<PersistentVolumeClaim> = {
  kind: persistentVolumeClaim,
  keys: (claim, cache) => nodesUsing(keyText(keyOf(claim)), cache),
  matters: ({ before, after }) => before?.spec.volumeName !== after?.spec.volumeName,
};

/** What happens to an attachment concerns its node, and those that wait for the volume. */
const attachmentsOfNodes: Watched<VolumeAttachment> = {
  kind: volumeAttachment,
  keys: ({ spec }, cache) => {
    const claim = cache.get(persistentVolume, { name: spec.source.persistentVolumeName ?? "" })?.spec.claimRef;
    const waiting = claim?.name ? nodesUsing(keyText({ namespace: claim.namespace, name: claim.name }), cache) : [];
    return [{ name: spec.nodeName }, ...waiting];
  },
};

/** Attaches volumes of CSI drivers to the nodes of their pods, and detaches them behind these (Kubernetes docs, "Volumes", section "csi"). */
export function attachDetachController(): Controller {
  /** Running time, because a clock that is set must take no volume from a node that still has it mounted. */
  const unusedSince = new Map<string, number>();

  return defineController<Node>({
    name: "attach-detach",
    component: "attachdetach-controller",
    reconciles: node,
    matters: ({ before, after }) => !isDeepStrictEqual(mattering(before), mattering(after)),
    watches: [podsWithClaims, claimsOfPods, attachmentsOfNodes],
    reads: [persistentVolume, csiDriver],

    async reconcile(key, { cache, client, events, elapsedMs }) {
      const held = cache.get(node, key);
      if (held?.metadata.annotations?.[managed] === undefined) return settled;
      const wanted = wantedOn(key.name, cache);
      const here = cache.by(volumeAttachment, byNode, key.name);
      if (wanted.length === 0 && here.length === 0) return settled;
      const others = wanted.flatMap(({ volume }) => cache.by(volumeAttachment, byVolume, volume.metadata.name));
      const decision = decide({
        node: held,
        wanted,
        attachments: [...new Set([...here, ...others])],
        volumeNamed: (name) => cache.get(persistentVolume, { name }),
        usersOn: (name, volume) => usersOn(name, volume, cache),
        unusedSince,
        elapsedMs,
      });
      for (const { metadata } of here)
        if (!decision.unused.includes(metadata.name)) unusedSince.delete(metadata.name);
        else if (!unusedSince.has(metadata.name)) unusedSince.set(metadata.name, elapsedMs);

      // A node that still reads that a volume is attached may mount it: it is told before the volume goes.
      const { volumesAttached } = decision;
      if (!isDeepStrictEqual(held.status?.volumesAttached ?? [], volumesAttached)) {
        const document = { status: { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null } };
        await cache.seen(await client.patch(node, key, { type: "merge", document }, { subresource: "status" }));
      }
      for (const { pod: about, ...news } of decision.news) events.record(about, news);
      await carryOut(cache, [
        ...decision.detach.map((one) => deletion(client, volumeAttachment, one)),
        ...decision.attach.map((one) => async () => {
          try {
            return await client.create(volumeAttachment, attachmentOf(one, key.name));
          } catch (error) {
            if (!isReason(error, "AlreadyExists")) throw error;
            return undefined;
          }
        }),
      ]);
      return againIn(decision.againMs);
    },
  });
}

/** Heartbeats mean no work. */
function mattering(object: Node | undefined): unknown {
  if (!object) return undefined;
  const { metadata, spec, status } = object;
  const { volumesInUse, volumesAttached } = status ?? {};
  return [metadata.annotations?.[managed], spec.taints, volumesInUse, volumesAttached, readyStatusOf(object)];
}

function nodesUsing(claim: string, cache: Cache): readonly ObjectKey[] {
  const names = cache.by(pod, podsByClaim, claim).flatMap(({ spec }) => spec.nodeName ?? []);
  return [...new Set(names)].map((name) => ({ name }));
}

function usersOn(name: string, { spec }: PersistentVolume, cache: Cache): readonly Pod[] {
  const { namespace, name: claim = "" } = spec.claimRef ?? {};
  return cache
    .by(pod, podsByClaim, keyText({ namespace, name: claim }))
    .filter((one) => one.spec.nodeName === name && !hasEnded(one));
}

/** The volumes behind the claims of a node's pods, as far as both sides know of each other. */
function wantedOn(name: string, cache: Cache): readonly Attachable[] {
  const claims = new Set<string>();
  for (const one of cache.by(pod, podsOnNode, name))
    if (!hasEnded(one)) for (const claim of podsByClaim(one)) claims.add(claim);
  return [...claims].flatMap((text) => {
    const claim = cache.get(persistentVolumeClaim, keyFrom(text));
    const volume = cache.get(persistentVolume, { name: claim?.spec.volumeName ?? "" });
    if (!claim || !volume || volume.spec.claimRef?.uid !== claim.metadata.uid) return [];
    const driverNamed = (driver: string) => cache.get(csiDriver, { name: driver });
    return attachable(volume, { driverNamed, pods: usersOn(name, volume, cache) }) ?? [];
  });
}

function attachmentOf(one: Attachable, nodeName: string) {
  return {
    metadata: { name: attachmentName(one, nodeName) },
    spec: { attacher: one.driver, nodeName, source: { persistentVolumeName: one.volume.metadata.name } },
  };
}
