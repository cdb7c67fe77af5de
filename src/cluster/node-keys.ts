import { node as nodeKind } from "../api/kinds/core/node.ts";
import { secret as secretKind } from "../api/kinds/core/secret.ts";
import { isReason } from "../api/status.ts";
import type { Log } from "../base/log.ts";
import type { Client } from "../client/client.ts";
import { ifThere } from "../client/if-there.ts";
import type { Informers } from "../client/informer.ts";

/**
 * Which key each node's name belongs to: a device is its key, whatever its address. Kept as Secrets, so that they are in every
 * copy of the database.
 */
const namespace = "kube-system";
const suffix = ".node-key.skiff";
const type = "skiff/node-key";

/** Takes the name for the key, or finds it taken: by the same key (true), or by another (false). */
export async function claimName(client: Client, nodeName: string, fingerprint: string): Promise<boolean> {
  const data = { fingerprint: Buffer.from(fingerprint).toString("base64") };
  try {
    await client.create(secretKind, { metadata: { namespace, name: nodeName + suffix }, type, data });
    return true;
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
  const there = await client.get(secretKind, { namespace, name: nodeName + suffix });
  return there.data?.fingerprint === data.fingerprint;
}

/** Forgets whose name it is: the next device that asks for it with a token gets it. False when nobody had it. */
export async function releaseName(client: Client, nodeName: string): Promise<boolean> {
  try {
    await client.delete(secretKind, { namespace, name: nodeName + suffix });
    return true;
  } catch (error) {
    if (isReason(error, "NotFound")) return false;
    throw error;
  }
}

/** `kubectl delete node` makes the cluster forget the device: another one may have its name. */
export function releaseNamesOfDeletedNodes(client: Client, informers: Informers, log: Log): Disposable {
  async function release(name: string): Promise<void> {
    try {
      // The deletion may have been heard late: a device that has joined anew since keeps its name.
      if (await ifThere(client.get(nodeKind, { name }))) return;
      if (await releaseName(client, name)) log.info("the key of a deleted node was forgotten", { node: name });
    } catch (error) {
      log.error("the key of a deleted node is still known", { node: name, error });
    }
  }
  return informers.of(nodeKind).onChange(({ key, after }) => {
    if (!after) void release(key.name);
  });
}
