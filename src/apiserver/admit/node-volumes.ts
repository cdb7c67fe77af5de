import { isDeepStrictEqual } from "node:util";
import { hostnameLabel, hostnameOf, localPathProvisioner, nodeOfLocalPath } from "../../api/local-path.ts";
import type { AnyObject } from "../../api/object.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim } from "../../api/schema/types.ts";
import { selectedNode } from "../../api/volume-annotations.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import type { Review } from "./admission.ts";

/** Why a node may not write a volume; undefined when it may: it makes and removes its own directories' only (`node/local-storage.ts`). */
export function volumeRefusal(
  node: string,
  { object, old, operation }: Pick<Review, "object" | "old" | "operation">,
  store: Store,
): string | undefined {
  const who = `node ${JSON.stringify(node)}`;
  const before = old as PersistentVolume | undefined;
  const after = object as PersistentVolume | undefined;
  if (operation !== "CREATE" && (!before || nodeOfLocalPath(before) !== node))
    return `${who} can only change volumes of its own directories`;
  if (operation === "DELETE" || !after) return undefined;
  if (nodeOfLocalPath(after) !== node)
    return `${who} can only write volumes of its own directories, by provisioner ${localPathProvisioner}`;
  if (before) return isDeepStrictEqual(after.spec, before.spec) ? undefined : `${who} cannot change a volume's spec`;
  const { local, hostPath, nodeAffinity, claimRef } = after.spec;
  if (!local && !hostPath) return `${who} can only make volumes of sort local or hostPath`;
  if (!isDeepStrictEqual(nodeAffinity, ofHost(hostname(node, store))))
    return `${who} can only make volumes whose nodeAffinity is for itself alone`;
  const claim = held<PersistentVolumeClaim>(
    store,
    `/persistentvolumeclaims/${claimRef?.namespace ?? ""}/${claimRef?.name ?? ""}`,
  );
  const isAskedFor = claim?.metadata.uid === claimRef?.uid && claim?.metadata.annotations?.[selectedNode] === node;
  return isAskedFor ? undefined : `${who} can only make volumes for claims whose selected node it is`;
}

function ofHost(name: string): PersistentVolume["spec"]["nodeAffinity"] {
  const matchExpressions = [{ key: hostnameLabel, operator: "In", values: [name] }];
  return { required: { nodeSelectorTerms: [{ matchExpressions }] } };
}

function hostname(node: string, store: Store): string {
  const found = held<Node>(store, `/nodes/${node}`);
  return found ? hostnameOf(found) : node;
}

function held<T extends object>(store: Store, key: string): T | undefined {
  const entry = store.latest(key);
  return entry && (heldObject(entry) as AnyObject as unknown as T);
}
