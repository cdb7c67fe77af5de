import { isAbsolute, join, normalize } from "node:path";
import {
  hostnameLabel,
  isToBeErased,
  localPathProvisioner,
  nodeOfLocalPath,
  volumeFinalizer,
  volumeNode,
  volumeRoot,
} from "../../api/local-path.ts";
import { isLeaving } from "../../api/object.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../api/schema/types.ts";
import { provisionedBy, selectedNode, storageProvisioner } from "../../api/volume-annotations.ts";
import { classOf } from "../../api/volume-match.ts";
import type { Unsaved } from "../../client/client.ts";
import { pathFromPattern } from "./path-pattern.ts";

/** This node, and where its volumes lie unless a class says otherwise. */
export interface LocalStorage {
  readonly nodeName: string;
  /** The label by which pods find the node. */
  readonly hostname: string;
  readonly directory: string;
}

/** What a claim needs of this node. */
export type ClaimStep =
  | { readonly do: "nothing" }
  | { readonly do: "refuse"; readonly message: string }
  | {
      readonly do: "provide";
      readonly volume: Unsaved<PersistentVolume>;
      /** Below which `path` is made. */
      readonly root: string;
      readonly path: string;
    };

const nothing: ClaimStep = { do: "nothing" };
const modes = ["ReadWriteOnce", "ReadWriteOncePod"];

export function decideClaim(
  claim: PersistentVolumeClaim,
  { storageClass, storage }: { storageClass: StorageClass | undefined; storage: LocalStorage },
): ClaimStep {
  const { metadata, spec } = claim;
  if (isLeaving(claim) || spec.volumeName || !storageClass) return nothing;
  const isOurs =
    storageClass.provisioner === localPathProvisioner &&
    metadata.annotations?.[storageProvisioner] === localPathProvisioner &&
    metadata.annotations[selectedNode] === storage.nodeName;
  if (!isOurs) return nothing;
  try {
    return provide(claim, storageClass, storage);
  } catch (error) {
    const name = JSON.stringify(classOf(claim));
    return {
      do: "refuse",
      message: `failed to provision volume with StorageClass ${name}: ${(error as Error).message}`,
    };
  }
}

/** @throws an Error that says what of the claim or its class cannot be had here */
function provide(claim: PersistentVolumeClaim, storageClass: StorageClass, storage: LocalStorage): ClaimStep {
  const { metadata, spec } = claim;
  if (spec.volumeMode === "Block")
    throw new Error(`${localPathProvisioner} does not support block volume provisioning`);
  if (spec.selector) throw new Error("claim.Spec.Selector is not supported");
  if (!spec.accessModes?.every((mode) => modes.includes(mode)))
    throw new Error("NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes");
  const name = volumeNameOf(claim);
  const { nodePath, pathPattern } = storageClass.parameters ?? {};
  if (nodePath !== undefined && (!isAbsolute(nodePath) || normalize(nodePath) === "/"))
    throw new Error(`nodePath ${JSON.stringify(nodePath)} is not the absolute path of a directory`);
  const root = nodePath === undefined ? storage.directory : normalize(nodePath);
  const folder =
    pathPattern === undefined
      ? `${name}_${metadata.namespace}_${metadata.name}`
      : pathFromPattern(pathPattern, { PVName: name, PVC: metadata });
  const path = join(root, folder);
  return { do: "provide", root, path, volume: volumeFor(claim, storageClass, { name, root, path, storage }) };
}

export function volumeNameOf({ metadata }: PersistentVolumeClaim): string {
  return `pvc-${metadata.uid}`;
}

function volumeFor(
  { metadata, spec }: PersistentVolumeClaim,
  storageClass: StorageClass,
  { name, root, path, storage }: { name: string; root: string; path: string; storage: LocalStorage },
): Unsaved<PersistentVolume> {
  const { namespace = "", uid = "", resourceVersion = "" } = metadata;
  const reclaimPolicy = storageClass.reclaimPolicy ?? "Delete";
  const isHostPath = sortOf(metadata.annotations, storageClass) === "hostpath";
  return {
    metadata: {
      name,
      annotations: { [volumeNode]: storage.nodeName, [volumeRoot]: root, [provisionedBy]: localPathProvisioner },
      finalizers: ["kubernetes.io/pv-protection", ...(reclaimPolicy === "Delete" ? [volumeFinalizer] : [])],
    },
    spec: {
      accessModes: [...(spec.accessModes ?? [])],
      capacity: { storage: spec.resources?.requests?.storage ?? "0" },
      claimRef: {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        namespace,
        name: metadata.name,
        uid,
        resourceVersion,
      },
      ...(isHostPath ? { hostPath: { path, type: "DirectoryOrCreate" } } : { local: { path } }),
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: hostnameLabel, operator: "In", values: [storage.hostname] }] },
          ],
        },
      },
      persistentVolumeReclaimPolicy: reclaimPolicy,
      ...(storageClass.mountOptions && { mountOptions: [...storageClass.mountOptions] }),
      storageClassName: storageClass.metadata.name,
      volumeMode: "Filesystem",
    },
  };
}

/** A claim may say what sort of volume it wants, or else its class does: "local" (whose group fsGroup sets) unless said. */
function sortOf(annotations: Readonly<Record<string, string>> | undefined, { metadata }: StorageClass): string {
  const wanted = annotations?.volumeType ?? metadata.annotations?.defaultVolumeType ?? "local";
  const sort = wanted.toLowerCase();
  if (sort !== "local" && sort !== "hostpath") throw new Error(`"${wanted}" is not a recognised volume type`);
  return sort;
}

/** What should become of a volume of this node: its data erased, or only let go, or nothing. */
export function decideVolume(volume: PersistentVolume, nodeName: string): "erase" | "let go" | "nothing" {
  if (nodeOfLocalPath(volume) !== nodeName) return "nothing";
  if (isToBeErased(volume)) return "erase";
  const holds = volume.metadata.finalizers?.includes(volumeFinalizer);
  return holds && volume.spec.persistentVolumeReclaimPolicy !== "Delete" ? "let go" : "nothing";
}
