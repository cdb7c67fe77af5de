import { expect, test, vi } from "vitest";
import { configMap } from "../../api/kinds/core/config-map.ts";
import { namespace } from "../../api/kinds/core/namespace.ts";
import type { ConfigMap } from "../../api/schema/types.ts";
import { constant } from "../../base/changing.ts";
import { aWorld } from "../testing/world.ts";
import { rootCaController } from "./controller.ts";

const key = { namespace: "shop", name: "kube-root-ca.crt" };

test.each<[what: string, harm: object]>([
  ["another certificate", { data: { "ca.crt": "another" } }],
  ["something beside it", { data: { "ca.crt": "the certificate", more: "x" } }],
  ["no description", { metadata: { annotations: null } }],
])("every namespace has the authority's certificate, also after somebody wrote %s", async (_, document) => {
  await using world = await aWorld([rootCaController(constant("the certificate"))]);
  const { client } = world;
  await client.create(namespace, { metadata: { name: "shop" }, spec: {} });
  const there = async (): Promise<ConfigMap> => client.get(configMap, key);
  const isWhole = () =>
    vi.waitFor(async () => {
      const { data, metadata } = await there();
      expect(data).toEqual({ "ca.crt": "the certificate" });
      expect(metadata.annotations?.["kubernetes.io/description"]).toMatch(/^Contains a CA bundle/);
    });
  await isWhole();
  const { resourceVersion } = (await client.patch(configMap, key, { type: "merge", document })).metadata;
  await vi.waitFor(async () => expect((await there()).metadata.resourceVersion).not.toBe(resourceVersion));
  await isWhole();
});
