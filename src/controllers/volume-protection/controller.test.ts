import { describe, expect, test, vi } from "vitest";
import type { Kind } from "../../api/kind.ts";
import { persistentVolume } from "../../api/kinds/core/persistent-volume.ts";
import { persistentVolumeClaim } from "../../api/kinds/core/persistent-volume-claim.ts";
import { pod } from "../../api/kinds/core/pod.ts";
import { volumeAttributesClass } from "../../api/kinds/storage/volume-attributes-class.ts";
import { noLog } from "../../base/log.ts";
import { openCache } from "../../client/cache.ts";
import type { Context } from "../../client/controller.ts";
import { openInformers } from "../../client/open-informers.ts";
import { aWorld, type World } from "../testing/world.ts";
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from "./controller.ts";

const claim = { namespace: "default", name: "data" };
const aClaimIn = ({ client }: World, more: object = {}) =>
  client.create(persistentVolumeClaim, {
    metadata: claim,
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } }, ...more },
  });

describe("what is in use is kept, and goes when it no longer is", () => {
  test("a claim of a pod", async () => {
    await using world = await aWorld([claimProtectionController], { kubelet: false });
    await aClaimIn(world);
    const finalizers = async () => (await world.all(persistentVolumeClaim))[0]?.metadata.finalizers;
    await vi.waitFor(async () => expect(await finalizers()).toEqual(["kubernetes.io/pvc-protection"]));
    await world.client.create(pod, {
      metadata: { name: "user", namespace: "default" },
      spec: {
        nodeName: "n1",
        containers: [{ name: "c", image: "i" }],
        volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }],
      },
    });
    await world.informers.of(pod).until({ namespace: "default", name: "user" }, (one) => one !== undefined);
    const user = { namespace: "default", name: "user" };
    const ended = await world.client.get(pod, user);
    await world.client.updateStatus(pod, { ...ended, status: { ...ended.status, phase: "Succeeded" } });
    await world.informers.of(pod).until(user, (one) => one?.status?.phase === "Succeeded");
    await world.client.delete(persistentVolumeClaim, claim);
    expect(await finalizers()).toEqual(["kubernetes.io/pvc-protection"]);
    await world.client.delete(pod, user, { gracePeriodSeconds: 0 });
    await vi.waitFor(async () => expect(await world.all(persistentVolumeClaim)).toEqual([]));
  });

  test("a claim of a pod that the controller has not seen yet", async () => {
    await using world = await aWorld([], { kubelet: false });
    const { client, clock } = world;
    await aClaimIn(world);
    const metadata = { finalizers: ["kubernetes.io/pvc-protection"] };
    await client.patch(persistentVolumeClaim, claim, { type: "merge", document: { metadata } });
    await client.delete(persistentVolumeClaim, claim);
    const stale = openInformers(client, { clock, log: noLog });
    const cache = await openCache(stale, [
      { kind: persistentVolumeClaim as unknown as Kind },
      { kind: pod as unknown as Kind },
    ]);
    await stale[Symbol.asyncDispose]();
    const user = { name: "user", namespace: "default" };
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
    const spec = { nodeName: "n1", containers: [{ name: "c", image: "i" }], volumes };
    await client.create(pod, { metadata: user, spec });
    const look = () => claimProtectionController.reconcile(claim, { cache, client } as unknown as Context);
    await look();
    expect(await world.all(persistentVolumeClaim)).toHaveLength(1);
    await client.delete(pod, user, { gracePeriodSeconds: 0 });
    await look();
    expect(await world.all(persistentVolumeClaim)).toEqual([]);
  });

  test("a volume of a claim", async () => {
    await using world = await aWorld([volumeProtectionController]);
    const { client } = world;
    await client.create(persistentVolume, { metadata: { name: "v" }, spec: { accessModes: ["ReadWriteOnce"] } });
    const held = async () => (await world.all(persistentVolume))[0];
    await vi.waitFor(async () => expect((await held())?.metadata.finalizers).toHaveLength(1));
    const bound = await client.updateStatus(persistentVolume, { ...(await held())!, status: { phase: "Bound" } });
    await world.informers.of(persistentVolume).seen(bound.metadata.resourceVersion ?? "");
    await client.delete(persistentVolume, { name: "v" });
    await client.updateStatus(persistentVolume, { ...(await held())!, status: { phase: "Released" } });
    await vi.waitFor(async () => expect(await world.all(persistentVolume)).toEqual([]));
  });

  test("a class of attributes that a claim has", async () => {
    await using world = await aWorld([attributesClassProtectionController]);
    const { client } = world;
    await aClaimIn(world, { volumeAttributesClassName: "gold" });
    for (const name of ["gold", "silver"]) {
      await client.create(volumeAttributesClass, { metadata: { name }, driverName: "disk.example.com" });
      await world.informers
        .of(volumeAttributesClass)
        .until({ name }, (one) => one?.metadata.finalizers?.includes("kubernetes.io/vac-protection") ?? false);
      await client.delete(volumeAttributesClass, { name });
    }
    const names = async () => (await world.all(volumeAttributesClass)).map(({ metadata }) => metadata.name);
    await vi.waitFor(async () => expect(await names()).toEqual(["gold"]));
    await client.delete(persistentVolumeClaim, claim);
    await vi.waitFor(async () => expect(await names()).toEqual([]));
  });
});
