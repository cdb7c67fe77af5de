import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { defineKind } from "../../src/api/kind.ts";
import { customResourceDefinition } from "../../src/api/kinds/apiextensions/custom-resource-definition.ts";
import { deployment } from "../../src/api/kinds/apps/deployment.ts";
import { replicaSet } from "../../src/api/kinds/apps/replica-set.ts";
import { configMap } from "../../src/api/kinds/core/config-map.ts";
import { endpoints } from "../../src/api/kinds/core/endpoints.ts";
import { event } from "../../src/api/kinds/core/event.ts";
import { namespace } from "../../src/api/kinds/core/namespace.ts";
import { node } from "../../src/api/kinds/core/node.ts";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { resourceQuota } from "../../src/api/kinds/core/resource-quota.ts";
import { service } from "../../src/api/kinds/core/service.ts";
import { serviceAccount } from "../../src/api/kinds/core/service-account.ts";
import { endpointSlice } from "../../src/api/kinds/discovery/endpoint-slice.ts";
import { isLeaving } from "../../src/api/object.ts";
import { isReason } from "../../src/api/status.ts";
import type { Client } from "../../src/client/client.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";

describe("the control plane", () => {
  let plane: ControlPlane;
  let client: Client;
  const web = { namespace: "default", name: "web" };
  const eventually = (check: () => Promise<void>) => vi.waitFor(check, { interval: 20 });

  beforeAll(async () => {
    plane = await startControlPlane();
    client = plane.client;
    for (const name of ["n1", "n2"]) await plane.addNode(name);
  });
  afterAll(() => plane[Symbol.asyncDispose]());

  const spec = (image: string, replicas: number) => ({
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "app", image }] } },
  });
  const settles = (replicas: number) =>
    eventually(async () => {
      const { status, metadata } = await client.get(deployment, web);
      expect(status).toMatchObject({
        replicas,
        updatedReplicas: replicas,
        availableReplicas: replicas,
        observedGeneration: metadata.generation,
      });
    });
  const pods = async () => (await client.list(pod, { namespace: "default", labelSelector: "app=web" })).items;

  test("gives nodes their networks and namespaces their account and certificate", async () => {
    await eventually(async () => {
      const { items } = await client.list(node);
      expect(items.map(({ spec }) => spec?.podCIDR).sort()).toEqual(["10.42.0.0/24", "10.42.1.0/24"]);
      expect(items.flatMap(({ spec }) => spec?.taints ?? [])).toEqual([]);
    });
    const key = { namespace: "default", name: "default" };
    await eventually(async () => void (await client.get(serviceAccount, key)));
    await eventually(async () => void (await client.get(configMap, { ...key, name: "kube-root-ca.crt" })));
  });

  test("brings a Deployment up, spread over the nodes", async () => {
    await client.create(deployment, { metadata: web, spec: spec("app:1", 4) } as never);
    await settles(4);
    expect(new Set((await pods()).map(({ spec }) => spec?.nodeName))).toEqual(new Set(["n1", "n2"]));
    await eventually(async () => {
      const { items } = await client.list(event, { namespace: "default" });
      const reasons = new Set(items.map(({ reason }) => reason));
      expect([...reasons].sort()).toEqual(
        expect.arrayContaining(["ScalingReplicaSet", "Scheduled", "SuccessfulCreate"]),
      );
    });
  });

  test("publishes its pods behind a Service", async () => {
    const ports = [{ port: 80, targetPort: 8080, protocol: "TCP" }];
    await client.create(service, {
      metadata: web,
      spec: { selector: { app: "web" }, ports, type: "LoadBalancer" },
    } as never);
    await eventually(async () => {
      const { items } = await client.list(endpointSlice, {
        namespace: "default",
        labelSelector: "kubernetes.io/service-name=web",
      });
      expect(items.flatMap(({ endpoints = [] }) => endpoints)).toHaveLength(4);
      expect((await client.get(endpoints, web)).subsets?.[0]?.addresses).toHaveLength(4);
      const { metadata, status } = await client.get(service, web);
      expect(status?.loadBalancer?.ingress).toHaveLength(2);
      expect(metadata.finalizers).toEqual(["service.kubernetes.io/load-balancer-cleanup"]);
    });
  });

  test("scales and rolls it", async () => {
    const patch = (document: object) => client.patch(deployment, web, { type: "strategic", document });
    await patch({ spec: { replicas: 6 } });
    await settles(6);
    await patch({ spec: { template: { spec: { containers: [{ name: "app", image: "app:2" }] } } } });
    await settles(6);
    await eventually(async () =>
      expect((await pods()).map(({ spec }) => spec?.containers[0]?.image)).toEqual(Array(6).fill("app:2")),
    );
    await eventually(async () =>
      expect((await client.get(deployment, web)).metadata.annotations).toMatchObject({
        "deployment.kubernetes.io/revision": "2",
      }),
    );
  });

  test("takes everything away with it when it is deleted", async () => {
    await client.delete(deployment, web, { propagationPolicy: "Background" });
    await eventually(async () => {
      expect((await client.list(replicaSet, { namespace: "default" })).items).toEqual([]);
      expect(await pods()).toEqual([]);
    });
  });

  test("empties a namespace and lets it go", async () => {
    await client.create(namespace, { metadata: { name: "team" }, spec: {} });
    await client.create(deployment, { metadata: { ...web, namespace: "team" }, spec: spec("app:1", 2) } as never);
    await eventually(async () => expect((await client.list(pod, { namespace: "team" })).items).toHaveLength(2));
    await client.delete(namespace, { name: "team" });
    await eventually(async () => {
      const gone = await client.get(namespace, { name: "team" }).catch((error: unknown) => isReason(error, "NotFound"));
      expect(gone).toBe(true);
    });
    expect((await client.list(pod, { namespace: "team" })).items).toEqual([]);
  });

  test("says what it found of a namespace while its pods are still there, and leaves the rest until they are gone", async () => {
    const held = { namespace: "held", name: "held" };
    const book = { namespace: "held", name: "book" };
    await client.create(namespace, { metadata: { name: "held" }, spec: {} });
    await eventually(async () => void (await client.get(serviceAccount, { namespace: "held", name: "default" })));
    const containers = [{ name: "app", image: "app:1" }];
    await client.create(pod, { metadata: { ...held, finalizers: ["example.com/hold"] }, spec: { containers } });
    await client.create(configMap, { metadata: book });
    await client.delete(namespace, { name: "held" });
    await eventually(async () => {
      const { status } = await client.get(namespace, { name: "held" });
      const told = status?.conditions?.map(({ type, status: is }) => `${type} ${is}`);
      expect(told).toContain("NamespaceDeletionContentFailure False");
    });
    expect(isLeaving(await client.get(pod, held))).toBe(true);
    expect(isLeaving(await client.get(configMap, book))).toBe(false);
    await client.patch(pod, held, { type: "merge", document: { metadata: { finalizers: null } } });
    await eventually(async () => {
      const gone = await client.get(namespace, { name: "held" }).catch((error: unknown) => isReason(error, "NotFound"));
      expect(gone).toBe(true);
    });
  });

  test("counts custom resources for quotas, and gives back what was deleted", async () => {
    const schema = { openAPIV3Schema: { type: "object" } };
    const book = defineKind({ group: "shelf.test", version: "v1", kind: "Book", plural: "books", scope: "Namespaced" });
    await client.create(customResourceDefinition, {
      metadata: { name: "books.shelf.test" },
      spec: {
        group: book.group,
        scope: "Namespaced",
        names: { plural: "books", singular: "book", kind: "Book" },
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    } as never);
    const quota = { namespace: "default", name: "books" };
    const spec = { hard: { "count/books.shelf.test": "1" } };
    await client.create(resourceQuota, { metadata: quota, spec } as never);
    const isUsed = (used: string) =>
      eventually(async () =>
        expect((await client.get(resourceQuota, quota)).status?.used).toEqual({ "count/books.shelf.test": used }),
      );
    const write = (name: string) => client.create(book, { metadata: { namespace: "default", name } } as never);
    await isUsed("0");
    await write("one");
    await expect(write("two")).rejects.toThrow("exceeded quota: books");
    await client.delete(book, { namespace: "default", name: "one" });
    await isUsed("0");
    await write("two");
    await isUsed("1");
  });
});
