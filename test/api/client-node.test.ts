import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  RbacAuthorizationV1Api,
  setHeaderOptions,
  type V1ConfigMap,
  type V1ObjectMeta,
  Watch,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
const config = new KubeConfig();
beforeAll(async () => {
  server = await startServer();
  config.loadFromFile(server.kubeconfig);
});
afterAll(() => server?.[Symbol.asyncDispose]());
const core = () => config.makeApiClient(CoreV1Api);
const namespace = "default";
const map = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({ metadata: { name }, data });
const statusOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 200,
    (error: { code?: number }) => error.code,
  );

test("objects are created, read, replaced, patched and deleted", async () => {
  const made = await core().createNamespacedConfigMap({ namespace, body: map("crud", { a: "1" }) });
  expect(made.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
  expect(await statusOf(core().createNamespacedConfigMap({ namespace, body: map("crud") }))).toBe(409);
  const replaced = await core().replaceNamespacedConfigMap({
    namespace,
    name: "crud",
    body: { ...made, data: { a: "2" } },
  });
  expect(Number(replaced.metadata?.resourceVersion)).toBeGreaterThan(Number(made.metadata?.resourceVersion));
  expect(await statusOf(core().replaceNamespacedConfigMap({ namespace, name: "crud", body: made }))).toBe(409);
  for (const [strategy, body] of [
    [PatchStrategy.MergePatch, { data: { b: "3" } }],
    [PatchStrategy.StrategicMergePatch, { data: { c: "4" } }],
    [PatchStrategy.JsonPatch, [{ op: "remove", path: "/data/a" }]],
  ] as const) {
    await core().patchNamespacedConfigMap(
      { namespace, name: "crud", body },
      setHeaderOptions("Content-Type", strategy),
    );
  }
  expect((await core().readNamespacedConfigMap({ namespace, name: "crud" })).data).toEqual({ b: "3", c: "4" });
  await core().deleteNamespacedConfigMap({ namespace, name: "crud" });
  expect(await statusOf(core().readNamespacedConfigMap({ namespace, name: "crud" }))).toBe(404);
});

test("lists come in pages that show one moment", async () => {
  for (let n = 0; n < 7; n++)
    await core().createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: `page-${n}`, labels: { page: "yes" } } },
    });
  const names: string[] = [];
  let token: string | undefined;
  do {
    const page = await core().listNamespacedConfigMap({
      namespace,
      labelSelector: "page=yes",
      limit: 3,
      ...(token && { _continue: token }),
    });
    names.push(...page.items.map((item) => item.metadata?.name ?? ""));
    token = page.metadata?._continue;
    await core().createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: `page-9${names.length}`, labels: { page: "yes" } } },
    });
  } while (token);
  expect(names).toEqual(Array.from({ length: 7 }, (_, n) => `page-${n}`));
});

/** The library gives a watch up that is silent for half a minute, which a slow machine may be. */
function aWatch(): Watch {
  const watch = new Watch(config);
  Reflect.set(watch, "requestTimeoutMs", 600_000);
  return watch;
}

test("a watch tells additions, changes and deletions; an informer keeps up", async () => {
  const events: string[] = [];
  const { metadata } = await core().listNamespacedConfigMap({ namespace });
  const watching = await aWatch().watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: metadata?.resourceVersion ?? "" },
    // The cluster has ConfigMaps of its own in every namespace.
    (type, { metadata: { name } }) => void (name === "seen" && events.push(`${type} ${name}`)),
    () => undefined,
  );
  const known = new Set<string>();
  const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
    core().listNamespacedConfigMap({ namespace }),
  );
  informer.on("add", (object) => void known.add(object.metadata?.name ?? ""));
  informer.on("delete", (object) => void known.delete(object.metadata?.name ?? ""));
  await informer.start();

  const made = await core().createNamespacedConfigMap({ namespace, body: map("seen") });
  await core().replaceNamespacedConfigMap({ namespace, name: "seen", body: { ...made, data: { a: "1" } } });
  await eventually(() => expect(known.has("seen")).toBe(true));
  await core().deleteNamespacedConfigMap({ namespace, name: "seen" });
  await eventually(() => expect(events).toEqual(["ADDED seen", "MODIFIED seen", "DELETED seen"]));
  await eventually(() => expect(known.has("seen")).toBe(false));
  watching.abort();
  await informer.stop();
});

test("watchers that begin anywhere are all told the same, in the same order", async () => {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const { metadata } = await core().listNamespacedConfigMap({ namespace });
  const watchers: { seen: string[]; stop: AbortController }[] = [];
  const follow = async (resourceVersion: string) => {
    const seen: string[] = [];
    const told = (
      type: string,
      { metadata: { name, resourceVersion: at } }: V1ConfigMap & { metadata: V1ObjectMeta },
    ) => void (name?.startsWith("order-") && seen.push(`${type} ${name} ${at}`));
    const stop = await aWatch().watch(path, { resourceVersion }, told, () => undefined);
    watchers.push({ seen, stop });
  };
  await follow(metadata?.resourceVersion ?? "");
  const first = watchers[0]?.seen ?? [];
  // Each write is where another watcher begins, while the next ones go on.
  const writer = async (at: number) => {
    const name = `order-${at}`;
    for (let round = 0; round < 4; round++) {
      const made = await core().createNamespacedConfigMap({ namespace, body: map(name) });
      await follow(made.metadata?.resourceVersion ?? "");
      const changed = { ...made, data: { round: String(round) } };
      const { metadata: now } = await core().replaceNamespacedConfigMap({ namespace, name, body: changed });
      await follow(now?.resourceVersion ?? "");
      await core().deleteNamespacedConfigMap({ namespace, name });
    }
  };
  await Promise.all([0, 1, 2].map(writer));
  await eventually(() => expect(first).toHaveLength(3 * 4 * 3));
  for (const { seen } of watchers.slice(1))
    await eventually(() => {
      expect(seen.at(-1)).toBe(first.at(-1));
      expect(seen).toEqual(first.slice(first.length - seen.length));
    });
  for (const { stop } of watchers) stop.abort();
});

test("server-side apply keeps account of who owns what", async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const wanted = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "applied", namespace }, data: { a: "1" } };
  const apply = (object: object, manager: string, force = false) =>
    objects.patch(object as never, undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
  await apply(wanted, "one");
  expect(await statusOf(apply({ ...wanted, data: { a: "2" } }, "two"))).toBe(409);
  await apply({ ...wanted, data: { a: "2" } }, "two", true);
  const owners = (await core().readNamespacedConfigMap({ namespace, name: "applied" })).metadata?.managedFields?.map(
    ({ manager, operation }) => `${manager} ${operation}`,
  );
  expect(owners).toContain("two Apply");
});

test("a Deployment is defaulted and makes a ReplicaSet", async () => {
  const apps = config.makeApiClient(AppsV1Api);
  const made = await apps.createNamespacedDeployment({
    namespace,
    body: {
      metadata: { name: "web" },
      spec: {
        selector: { matchLabels: { app: "web" } },
        template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "web:1" }] } },
      },
    },
  });
  expect(made.spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
  });
  await eventually(async () =>
    expect((await apps.listNamespacedReplicaSet({ namespace, labelSelector: "app=web" })).items).toHaveLength(1),
  );
  await eventually(async () =>
    expect(
      (await core().listNamespacedPod({ namespace, labelSelector: "app=web" })).items[0]?.status?.conditions?.[0],
    ).toMatchObject({ type: "PodScheduled", status: "False", reason: "Unschedulable" }),
  );
});

test("a user may do what roles allow, and nothing else", async () => {
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const alice = new KubeConfig();
  alice.loadFromFile(server.kubeconfig);
  alice.users = [{ ...alice.users[0]!, impersonateUser: "alice" }];
  const asAlice = () => alice.makeApiClient(CoreV1Api);
  expect(await statusOf(asAlice().listNamespacedConfigMap({ namespace }))).toBe(403);
  await rbac.createNamespacedRole({
    namespace,
    body: {
      metadata: { name: "reader" },
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }],
    },
  });
  await rbac.createNamespacedRoleBinding({
    namespace,
    body: {
      metadata: { name: "reader" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "alice" }],
    },
  });
  await eventually(async () => expect(await statusOf(asAlice().listNamespacedConfigMap({ namespace }))).toBe(200));
  expect(await statusOf(asAlice().createNamespacedConfigMap({ namespace, body: map("by-alice") }))).toBe(403);
});
