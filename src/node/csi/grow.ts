import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { keyOf } from "../../api/object.ts";
import { compareQuantities } from "../../api/quantity.ts";
import type {
  ObjectReference,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimCondition,
  PersistentVolumeClaimStatus,
  Pod,
} from "../../api/schema/types.ts";
import { isReason } from "../../api/status.ts";
import { timeText } from "../../api/time.ts";
import { sleep } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/log.ts";
import type { Client } from "../../client/client.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { GrpcError } from "../grpc.ts";

/** How far a claim's volume is on its way to another size, as its status says (Kubernetes docs, "Resizing a volume"). */
export type Growth =
  | { readonly is: "inProgress" }
  | { readonly is: "done"; readonly capacity: string }
  | { readonly is: "failed"; readonly error: unknown };

/** Conditions that end when the volume has its size. */
const resizeConditions = ["FileSystemResizePending", "Resizing", "ControllerResizeError", "NodeResizeError"];

/** Answers of a driver (gRPC's numbers) after which trying again is of no use: InvalidArgument, NotFound, OutOfRange. */
const forGood = [3, 5, 11];

/** Whether the node has still to make the volume's contents as large as the volume is. */
export function isToGrow(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  const [is, shown] = [volume.spec.capacity?.storage, claim.status?.capacity?.storage];
  return is !== undefined && shown !== undefined && compareQuantities(is, shown) > 0 && !isGivenUp(claim);
}

const isGivenUp = ({ status }: PersistentVolumeClaim): boolean =>
  status?.allocatedResourceStatuses?.storage === "NodeResizeInfeasible";

/** Whether somebody else has done their part and waits for the node. */
export function waitsForNode({ status }: PersistentVolumeClaim): boolean {
  const isPending = (status?.conditions ?? []).some(({ type }) => type === "FileSystemResizePending");
  return isPending || (status?.allocatedResourceStatuses?.storage ?? "").startsWith("NodeResize");
}

export function statusAfter(
  { status = {} }: PersistentVolumeClaim,
  growth: Growth,
  nowMs: number,
): PersistentVolumeClaimStatus {
  const { conditions = [], allocatedResourceStatuses: statuses, ...rest } = status;
  const others = (conditions ?? []).filter(({ type }) => !resizeConditions.includes(type));
  if (growth.is === "inProgress")
    return { ...status, allocatedResourceStatuses: { ...statuses, storage: "NodeResizeInProgress" } };
  if (growth.is === "done") {
    const { storage: _, ...left } = statuses ?? {};
    return {
      ...rest,
      capacity: { ...rest.capacity, storage: growth.capacity },
      ...(others.length > 0 && { conditions: others }),
      ...(Object.keys(left).length > 0 && { allocatedResourceStatuses: left }),
    };
  }
  const failed: PersistentVolumeClaimCondition = {
    type: "NodeResizeError",
    status: "True",
    lastTransitionTime: timeText(nowMs),
    message: `failed to expand pvc with ${messageOf(growth.error)}`,
  };
  const isForGood = growth.error instanceof GrpcError && forGood.includes(growth.error.code);
  return {
    ...status,
    conditions: [...(conditions ?? []).filter(({ type }) => type !== failed.type), failed],
    ...(isForGood && { allocatedResourceStatuses: { ...statuses, storage: "NodeResizeInfeasible" } }),
  };
}

/** The volume has become larger: `ask` has its driver make what is in it as large, and the claim says so. */
export async function growVolume(
  parts: { readonly client: Client; readonly clock: Clock; readonly events: EventRecorder; readonly nodeName: string },
  {
    pod,
    claim,
    name,
    capacity,
    ask,
  }: { pod: Pod; claim: PersistentVolumeClaim; name: string; capacity: string; ask: () => Promise<void> },
): Promise<void> {
  const { events, nodeName } = parts;
  const begun = await writeGrowth(parts, claim, { is: "inProgress" });
  if (!begun) return;
  const about: ObjectReference = { apiVersion: "v1", kind: "PersistentVolumeClaim", ...named(begun) };
  try {
    await ask();
  } catch (error) {
    await writeGrowth(parts, begun, { is: "failed", error });
    const message = `MountVolume.NodeExpandVolume failed for volume ${JSON.stringify(name)} : ${messageOf(error)}`;
    events.record(about, "Warning", "VolumeResizeFailed", message);
    throw new Error(message, { cause: error });
  }
  await writeGrowth(parts, begun, { is: "done", capacity });
  const message = `MountVolume.NodeExpandVolume succeeded for volume ${JSON.stringify(name)} ${nodeName}`;
  for (const each of [about, { apiVersion: "v1", kind: "Pod", ...named(pod) }])
    events.record(each, "Normal", "FileSystemResizeSuccessful", message);
}

export function named({
  metadata: { name, namespace, uid },
}: Pod | PersistentVolumeClaim): Omit<ObjectReference, "kind"> {
  return { name, ...(namespace && { namespace }), ...(uid && { uid }) };
}

const conflictsAtMost = 5;

/** Writes how far the growth is. Resolves with the claim as it is then; undefined when it is gone. */
async function writeGrowth(
  { client, clock }: { client: Client; clock: Clock },
  claim: PersistentVolumeClaim,
  growth: Growth,
): Promise<PersistentVolumeClaim | undefined> {
  let known = claim;
  for (let attempt = 1; ; attempt++) {
    try {
      const status = statusAfter(known, growth, clock.now());
      return await client.updateStatus(persistentVolumeClaim, { ...known, status });
    } catch (error) {
      if (isReason(error, "NotFound")) return undefined;
      if (!isReason(error, "Conflict") || attempt === conflictsAtMost) throw error;
      // The other write may still be on its way to disk; what is read before is what was refused.
      await sleep(clock, 5 * 2 ** attempt, new AbortController().signal);
      known = await client.get(persistentVolumeClaim, keyOf(known));
      if (known.metadata.uid !== claim.metadata.uid) return undefined;
    }
  }
}
