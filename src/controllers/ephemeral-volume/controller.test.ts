import { describe, expect, test, vi } from "vitest";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { forbidden } from "../../api/status.ts";
import { aWorld, type World } from "../testing/world.ts";
import { ephemeralVolumeController } from "./controller.ts";

const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } } };
const claim = { namespace: "default", name: "web-scratch" };
const create = ({ client }: World) =>
  client.create(pod, {
    metadata: { name: "web", namespace: "default" },
    spec: {
      containers: [{ name: "c", image: "i" }],
      volumes: [{ name: "scratch", ephemeral: { volumeClaimTemplate: { spec } } }],
    },
  });
const tells = (world: World, message: string) =>
  vi.waitFor(async () => expect(await world.events()).toContain(`FailedBinding: ephemeral volume scratch: ${message}`));

describe("the claim of a pod's ephemeral volume", () => {
  test("is made, belongs to the pod, and is made again when somebody deletes it", async () => {
    await using world = await aWorld([ephemeralVolumeController], { kubelet: false });
    const { uid } = (await create(world)).metadata;
    const owners = async () =>
      (await world.client.get(persistentVolumeClaim, claim)).metadata.ownerReferences?.map((owner) => owner.uid);
    await vi.waitFor(async () => expect(await owners()).toEqual([uid]));
    await world.client.delete(persistentVolumeClaim, claim);
    await vi.waitFor(async () => expect(await owners()).toEqual([uid]));
  });

  test("is not taken for one of the same name that somebody made", async () => {
    await using world = await aWorld([ephemeralVolumeController], { kubelet: false });
    await world.client.create(persistentVolumeClaim, { metadata: claim, spec });
    await create(world);
    await tells(world, "PVC default/web-scratch was not created for pod default/web (pod is not owner)");
  });

  test("is missed aloud while it is refused", async () => {
    await using world = await aWorld([ephemeralVolumeController], { kubelet: false });
    world.transport.intercept = ({ verb, resource }) => {
      if (verb === "create" && resource === "persistentvolumeclaims")
        throw forbidden({ group: "", plural: resource }, "web-scratch", "exceeded quota: few");
    };
    await create(world);
    await tells(
      world,
      'create PVC web-scratch: persistentvolumeclaims "web-scratch" is forbidden: exceeded quota: few',
    );
  });
});
