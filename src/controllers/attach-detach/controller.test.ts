import { expect, test, vi } from "vitest";
import { node } from "../../api/kinds/core/node.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { volumeAttachment } from "../../api/kinds/storage/volume-attachment.ts";
import { aWorld, type World } from "../testing/world.ts";
import { attachDetachController } from "./controller.ts";

const driver = "disk.example.com";

async function aClaimedDisk({ client }: World): Promise<void> {
  const claim = await client.create(persistentVolumeClaim, {
    metadata: { name: "data", namespace: "default" },
    spec: { volumeName: "v", accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  });
  await client.create(persistentVolume, {
    metadata: { name: "v" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      csi: { driver, volumeHandle: "h" },
      claimRef: { namespace: "default", name: "data", uid: claim.metadata.uid ?? "" },
    },
  });
}
const aNodeIn = ({ client }: World, name: string) =>
  client.create(node, {
    metadata: { name, annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" } },
    spec: {},
  });
const aPodIn = ({ client }: World, name: string, nodeName: string) =>
  client.create(pod, {
    metadata: { name, namespace: "default" },
    spec: {
      nodeName,
      containers: [{ name: "c", image: "i" }],
      volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }],
    },
  });

test("a disk follows its pod: attached, told to the node, detached behind it, and then attached to the next node", async () => {
  await using world = await aWorld([attachDetachController()], { kubelet: false });
  const { client } = world;
  await aNodeIn(world, "n1");
  await aNodeIn(world, "n2");
  await aClaimedDisk(world);
  await aPodIn(world, "first", "n1");
  const only = async () => {
    const found = await world.all(volumeAttachment);
    expect(found).toHaveLength(1);
    return found[0]!;
  };
  const attached = async (name: string) => (await client.get(node, { name })).status?.volumesAttached ?? [];
  await vi.waitFor(async () => expect((await only()).spec.nodeName).toBe("n1"));
  await client.updateStatus(volumeAttachment, { ...(await only()), status: { attached: true } });
  await vi.waitFor(async () =>
    expect(await attached("n1")).toEqual([{ name: `kubernetes.io/csi/${driver}^h`, devicePath: "" }]),
  );

  await aPodIn(world, "second", "n2");
  await vi.waitFor(async () =>
    expect(await world.events()).toContain(
      'FailedAttachVolume: Multi-Attach error for volume "v" Volume is already used by pod(s) first',
    ),
  );
  await client.delete(pod, { namespace: "default", name: "first" }, { gracePeriodSeconds: 0 });
  await vi.waitFor(async () => expect((await only()).spec.nodeName).toBe("n2"));
  expect(await attached("n1")).toEqual([]);
});
