import { expect, test, vi } from "vitest";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { aWorld } from "../testing/world.ts";
import { volumeExpansionController } from "./controller.ts";

test("a claim that grows is told that somebody else makes its volume larger, once for each wish", async () => {
  await using world = await aWorld([volumeExpansionController]);
  const { client } = world;
  const claim = await client.create(persistentVolumeClaim, {
    metadata: { name: "data", namespace: "default" },
    spec: { volumeName: "v", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  });
  const { uid = "" } = claim.metadata;
  await client.create(persistentVolume, {
    metadata: { name: "v" },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      claimRef: { namespace: "default", name: "data", uid },
    },
  });
  const bound = await client.updateStatus(persistentVolumeClaim, {
    ...claim,
    status: { phase: "Bound", capacity: { storage: "1Gi" } },
  });
  await world.informers.of(persistentVolumeClaim).seen(bound.metadata.resourceVersion ?? "");
  expect(await world.events()).toEqual([]);

  await client.update(persistentVolumeClaim, {
    ...bound,
    spec: { ...bound.spec, resources: { requests: { storage: "2Gi" } } },
  });
  await vi.waitFor(async () =>
    expect(await world.events()).toEqual(["ExternalExpanding: waiting for an external controller to expand this PVC"]),
  );
});
