import { isDeepStrictEqual } from "node:util";
import { node as nodeKind } from "../../api/kinds/core/node.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { hostnameLabel, hostnameOf, localPathProvisioner, nodeOfLocalPath } from "../../api/local-path.ts";
import type { PersistentVolume } from "../../api/schema/types.ts";
import { selectedNode } from "../../api/volume-annotations.ts";
import type { Store } from "../../store/contract.ts";
import { latestObject } from "../registry/objects.ts";
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
  const { namespace = "", name = "" } = claimRef ?? {};
  const claim = latestObject(store, persistentVolumeClaim, { namespace, name });
  const isAskedFor = claim?.metadata.uid === claimRef?.uid && claim?.metadata.annotations?.[selectedNode] === node;
  return isAskedFor ? undefined : `${who} can only make volumes for claims whose selected node it is`;
}

function ofHost(name: string): PersistentVolume["spec"]["nodeAffinity"] {
  const matchExpressions = [{ key: hostnameLabel, operator: "In", values: [name] }];
  return { required: { nodeSelectorTerms: [{ matchExpressions }] } };
}

function hostname(name: string, store: Store): string {
  const found = latestObject(store, nodeKind, { name });
  return found ? hostnameOf(found) : name;
}
