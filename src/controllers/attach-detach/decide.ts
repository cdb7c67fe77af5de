import { attachmentName } from "../../api/csi-names.ts";
import { isLeaving } from "../../api/object.ts";
import type { AttachedVolume, Node, PersistentVolume, Pod, VolumeAttachment } from "../../api/schema/types.ts";
import { isNodeReady, isOutOfService } from "../nodes.ts";
import { soonest } from "../soonest.ts";
import { type Attachable, isForManyNodes, reportedName } from "./volumes.ts";

/** How long a node may keep a volume mounted that none of its pods needs any more, before it is taken from a node that is lost. */
export const maxUnmountMs = 6 * 60 * 1000;

/** What the informers held when a node came up. */
export interface Observed {
  readonly node: Node;
  /** What the node's pods use. */
  readonly wanted: readonly Attachable[];
  /** Of all nodes. */
  readonly attachments: readonly VolumeAttachment[];
  readonly volumeNamed: (name: string) => PersistentVolume | undefined;
  /** Pods on another node that use the volume. */
  readonly usersOn: (node: string, volume: PersistentVolume) => readonly Pod[];
  /** Since when each attachment has been of no use, in running time; its key is the attachment's name. */
  readonly unusedSince: ReadonlyMap<string, number>;
  readonly elapsedMs: number;
}

export interface PodNews {
  readonly pod: Pod;
  readonly type: "Normal" | "Warning";
  readonly reason: "FailedAttachVolume" | "SuccessfulAttachVolume";
  readonly message: string;
}

export interface Decision {
  readonly attach: readonly Attachable[];
  /** To be deleted once the node's status no longer names them. */
  readonly detach: readonly VolumeAttachment[];
  /** What the node's status should say. */
  readonly volumesAttached: readonly AttachedVolume[];
  readonly news: readonly PodNews[];
  /** Attachments that are of no use, whether or not they can be taken away now. */
  readonly unused: readonly string[];
  readonly againMs: number | undefined;
}

export function decide(observed: Observed): Decision {
  const { node, wanted, attachments, volumeNamed } = observed;
  const here = attachments.filter(({ spec }) => spec.nodeName === node.metadata.name);
  const reported = new Map<string, AttachedVolume>();
  const before = new Set((node.status?.volumesAttached ?? []).map(({ name }) => name));
  const attach: Attachable[] = [];
  const news: PodNews[] = [];

  for (const one of wanted) {
    const name = attachmentName(one, node.metadata.name);
    const found = here.find(({ metadata }) => metadata.name === name);
    if (!found) {
      const elsewhere = othersOf(one, observed);
      if (elsewhere.length > 0) news.push(...multiAttachNews(one, elsewhere, observed));
      else attach.push(one);
    } else if (found.status?.attached && !isLeaving(found)) {
      reported.set(one.name, { name: one.name, devicePath: "" });
      if (!before.has(one.name)) news.push(...newsOf(one, "Normal", "AttachVolume.Attach succeeded", ""));
    } else if (found.status?.attachError)
      news.push(...newsOf(one, "Warning", "AttachVolume.Attach failed", `: ${found.status.attachError.message ?? ""}`));
  }

  const names = new Set(wanted.map((one) => attachmentName(one, node.metadata.name)));
  const unused = here.filter(
    (one) => !names.has(one.metadata.name) && !isLeaving(one) && reportedName(one, volumeNamed) !== undefined,
  );
  const detach: VolumeAttachment[] = [];
  const waits: number[] = [];
  for (const one of unused) {
    const name = reportedName(one, volumeNamed) ?? "";
    const leftMs = heldMs(one, name, observed);
    if (leftMs === 0) detach.push(one);
    else {
      waits.push(leftMs);
      if (one.status?.attached) reported.set(name, { name, devicePath: "" });
    }
  }
  return {
    attach,
    detach,
    news,
    volumesAttached: [...reported.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    unused: unused.map(({ metadata }) => metadata.name),
    againMs: soonest(waits),
  };
}

/** How long an attachment of no use has to stay: as long as the node has it mounted, unless the node is lost. */
function heldMs({ metadata }: VolumeAttachment, name: string, { node, unusedSince, elapsedMs }: Observed): number {
  const isInUse = node.status?.volumesInUse?.includes(name);
  if (!isInUse || isOutOfService(node)) return 0;
  const left = (unusedSince.get(metadata.name) ?? elapsedMs) + maxUnmountMs - elapsedMs;
  if (left > 0) return left;
  return isNodeReady(node) ? maxUnmountMs : 0;
}

/** Attachments to other nodes that stand in the way. */
function othersOf({ volume }: Attachable, { node, attachments, volumeNamed }: Observed): VolumeAttachment[] {
  if (isForManyNodes(volume)) return [];
  return attachments.filter(
    (one) =>
      one.spec.nodeName !== node.metadata.name &&
      one.spec.source.persistentVolumeName === volume.metadata.name &&
      reportedName(one, volumeNamed) !== undefined,
  );
}

/** A pod's users see the names of pods in their own namespace only. */
function multiAttachNews(one: Attachable, others: readonly VolumeAttachment[], { usersOn }: Observed): PodNews[] {
  const users = others.flatMap(({ spec }) => usersOn(spec.nodeName, one.volume));
  if (users.length === 0)
    return newsOf(
      one,
      "Warning",
      "Multi-Attach error",
      " Volume is already exclusively attached to one node and can't be attached to another",
    );
  return one.pods.flatMap((pod) => {
    const near = users.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace);
    const far = users.length - near.length;
    const named = near.length > 0 ? [`pod(s) ${near.map(({ metadata }) => metadata.name).join(", ")}`] : [];
    const counted = far > 0 ? [`${far} pod(s) in different namespaces`] : [];
    const why = ` Volume is already used by ${[...named, ...counted].join(" and ")}`;
    return newsOf({ ...one, pods: [pod] }, "Warning", "Multi-Attach error", why);
  });
}

function newsOf({ volume, pods }: Attachable, type: PodNews["type"], what: string, more: string): PodNews[] {
  const reason = type === "Normal" ? "SuccessfulAttachVolume" : "FailedAttachVolume";
  const message = `${what} for volume ${JSON.stringify(volume.metadata.name)} ${more.trimStart()}`;
  return pods.map((pod) => ({ pod, type, reason, message }));
}
