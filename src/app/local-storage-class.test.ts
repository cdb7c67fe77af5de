import { describe, expect, test, vi } from "vitest";
import { node } from "../api/kinds/core/node.ts";
import { storageClass } from "../api/kinds/storage/storage-class.ts";
import { noLog } from "../base/log.ts";
import { fakeClock } from "../base/testing/fake-clock.ts";
import { openClient } from "../client/client.ts";
import { openInformers } from "../client/open-informers.ts";
import { memoryTransport } from "../client/testing/memory-transport.ts";
import { keepLocalStorageClass } from "./local-storage-class.ts";

async function aCluster(offered: boolean) {
  const clock = fakeClock();
  const client = openClient(memoryTransport(clock), { fieldManager: "test" });
  const informers = openInformers(client, { clock, log: noLog });
  await informers.of(node).synced;
  const classes = async () => (await client.list(storageClass)).items.map(({ metadata }) => metadata.name);
  return {
    client,
    classes,
    start: () => keepLocalStorageClass(client, { informers, offered, log: noLog }),
    async joins(name: string, kubeletVersion: string) {
      const made = await client.create(node, { metadata: { name }, spec: {} });
      const told = { ...made, status: { nodeInfo: { kubeletVersion } } } as typeof made;
      const { metadata } = await client.updateStatus(node, told);
      await informers.of(node).seen(metadata.resourceVersion ?? "");
    },
    [Symbol.asyncDispose]: () => informers[Symbol.asyncDispose](),
  };
}

describe("the StorageClass local-path", () => {
  test("comes with the first node that serves it", async () => {
    await using cluster = await aCluster(true);
    using _ = cluster.start();
    await cluster.joins("other", "v1.36.0");
    expect(await cluster.classes()).toEqual([]);
    await cluster.joins("own", "v1.36.0+skiff1");
    await vi.waitFor(async () => expect(await cluster.classes()).toEqual(["local-path"]));
  });

  test("stays as a user changed it", async () => {
    await using cluster = await aCluster(true);
    const annotations = { "storageclass.kubernetes.io/is-default-class": "false" };
    const metadata = { name: "local-path", annotations };
    await cluster.client.create(storageClass, { metadata, provisioner: "rancher.io/local-path" });
    using _ = cluster.start();
    await cluster.joins("own", "v1.36.0+skiff1");
    const [kept] = (await cluster.client.list(storageClass)).items;
    expect(kept?.metadata.annotations).toEqual(annotations);
  });

  test("goes where local storage is switched off, unless somebody else made it", async () => {
    await using cluster = await aCluster(false);
    const make = (labels: Record<string, string>) =>
      cluster.client.create(storageClass, {
        metadata: { name: "local-path", labels },
        provisioner: "rancher.io/local-path",
      });
    using _ = cluster.start();
    await make({ "app.kubernetes.io/managed-by": "skiff" });
    await vi.waitFor(async () => expect(await cluster.classes()).toEqual([]));
    await make({});
    await cluster.joins("own", "v1.36.0+skiff1");
    expect(await cluster.classes()).toEqual(["local-path"]);
  });
});
