import { describe, expect, test, vi } from "vitest";
import { node } from "../../api/kinds/core/node.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { storageClass } from "../../api/kinds/storage/storage-class.ts";
import type { PersistentVolume } from "../../api/schema/types.ts";
import { aWorld, type World } from "../testing/world.ts";
import { strandedClaims, strandedVolumes } from "./controller.ts";

const provisioner = "rancher.io/local-path";
const selected = "volume.kubernetes.io/selected-node";

async function aClaimIn(world: World, { mode, selectedNode }: { mode: string; selectedNode?: string }): Promise<void> {
  await world.client.create(storageClass, { metadata: { name: "local-path" }, provisioner, volumeBindingMode: mode });
  const annotations = {
    "volume.kubernetes.io/storage-provisioner": provisioner,
    ...(selectedNode && { [selected]: selectedNode }),
  };
  await world.client.create(persistentVolumeClaim, {
    metadata: { name: "data", namespace: "default", annotations },
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "local-path", resources: { requests: { storage: "1" } } },
  });
}
const selectedIn = async (world: World) =>
  (await world.all(persistentVolumeClaim))[0]?.metadata.annotations?.[selected];

describe("a claim for a node's directory", () => {
  test("is given back to the scheduler when its node goes", async () => {
    await using world = await aWorld([strandedClaims]);
    await world.client.create(node, { metadata: { name: "n1" }, spec: {} });
    await aClaimIn(world, { mode: "WaitForFirstConsumer", selectedNode: "n1" });
    expect(await selectedIn(world)).toBe("n1");
    await world.client.delete(node, { name: "n1" });
    await vi.waitFor(async () => expect(await selectedIn(world)).toBeUndefined());
  });

  test("is told that its class lets no node be chosen", async () => {
    await using world = await aWorld([strandedClaims]);
    await aClaimIn(world, { mode: "Immediate" });
    const message =
      'failed to provision volume with StorageClass "local-path": configuration error, no node was specified';
    await vi.waitFor(async () => expect(await world.events()).toEqual([`ProvisioningFailed: ${message}`]));
  });
});

describe("a volume of a node that is gone", () => {
  const aVolumeIn = async (world: World, policy: string): Promise<PersistentVolume> => {
    const made = await world.client.create(persistentVolume, {
      metadata: {
        name: "v",
        annotations: { "pv.kubernetes.io/provisioned-by": provisioner, "local.path.provisioner/selected-node": "n1" },
        finalizers: ["external-provisioner.volume.kubernetes.io/finalizer"],
      },
      spec: { persistentVolumeReclaimPolicy: policy, capacity: { storage: "1" }, accessModes: ["ReadWriteOnce"] },
    });
    return world.client.updateStatus(persistentVolume, { ...made, status: { phase: "Released" } });
  };

  test("goes with its claim", async () => {
    await using world = await aWorld([strandedVolumes]);
    await world.client.create(node, { metadata: { name: "n1" }, spec: {} });
    await aVolumeIn(world, "Delete");
    expect(await world.all(persistentVolume)).toHaveLength(1);
    await world.client.delete(node, { name: "n1" });
    await vi.waitFor(async () => expect(await world.all(persistentVolume)).toEqual([]));
  });

  test("stays where it was to be retained", async () => {
    await using world = await aWorld([strandedVolumes]);
    const volume = await aVolumeIn(world, "Retain");
    await world.informers.of(persistentVolume).seen(volume.metadata.resourceVersion ?? "");
    expect(await world.all(persistentVolume)).toHaveLength(1);
  });
});
