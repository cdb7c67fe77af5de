import { afterAll, beforeAll, expect, test } from "vitest";
import { node as nodeKind } from "../../src/api/kinds/core/node.ts";
import { service as serviceKind } from "../../src/api/kinds/core/service.ts";
import { isLeaving } from "../../src/api/object.ts";
import type { Node, Service } from "../../src/api/schema/types.ts";
import { systemClock as clock } from "../../src/base/clock.ts";
import { noLog as log } from "../../src/base/log.ts";
import { openClient } from "../../src/client/client.ts";
import { defineController, settled, startController } from "../../src/client/controller.ts";
import { openHttpTransport } from "../../src/client/open-http-transport.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { openApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const on = journey("cloud", ["busybox:1"], { flags: ["--disable-cloud-controller", "--disable=servicelb"] });
const { kubectl } = on;
const finalizer = "service.kubernetes.io/load-balancer-cleanup";
const uninitialized = "node.cloudprovider.kubernetes.io/uninitialized";

/** Rights as charts of cloud-controller-managers ask for them. */
const rights = `
{apiVersion: v1, kind: ServiceAccount, metadata: {name: cloud-controller-manager, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: system:cloud-controller-manager}
rules:
- {apiGroups: [""], resources: [events], verbs: [create, patch, update]}
- {apiGroups: [""], resources: [nodes], verbs: ["*"]}
- {apiGroups: [""], resources: [nodes/status], verbs: [patch, update]}
- {apiGroups: [""], resources: [services], verbs: [list, patch, update, watch]}
- {apiGroups: [""], resources: [services/status], verbs: [list, patch, update, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: system:cloud-controller-manager}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:cloud-controller-manager}
subjects: [{kind: ServiceAccount, name: cloud-controller-manager, namespace: kube-system}]
`;

/** Somebody else's cloud: one zone, one load balancer for all. */
const ofNodes = defineController<Node>({
  name: "their-nodes",
  reconciles: nodeKind,
  async reconcile(key, { cache, client }) {
    const found = cache.get(nodeKind, key);
    const waits = found?.spec?.taints?.some((taint) => taint.key === uninitialized);
    if (!found || !waits) return settled;
    const taints = (found.spec?.taints ?? []).filter((taint) => taint.key !== uninitialized);
    const labels = { ...found.metadata.labels, "topology.kubernetes.io/zone": "their-zone" };
    const provided = found.metadata.annotations?.["alpha.kubernetes.io/provided-node-ip"] ?? "";
    const addresses = [
      { type: "Hostname", address: found.metadata.name },
      { type: "InternalIP", address: provided },
      { type: "ExternalIP", address: "198.51.100.7" },
    ];
    // What it waits for goes last: whoever is refused in between, because the node wrote too, comes back.
    const { metadata } = await client.updateStatus(nodeKind, { ...found, status: { ...found.status, addresses } });
    await client.update(nodeKind, {
      ...found,
      metadata: { ...metadata, labels },
      spec: { ...found.spec, providerID: "their-cloud://i-1", taints },
    });
    return settled;
  },
});
const ofServices = defineController<Service>({
  name: "their-services",
  reconciles: serviceKind,
  async reconcile(key, { cache, client }) {
    const found = cache.get(serviceKind, key);
    const isHeld = found?.metadata.finalizers?.includes(finalizer);
    if (found?.spec.type !== "LoadBalancer" || isLeaving(found) !== Boolean(isHeld)) return settled;
    const leaving = isLeaving(found);
    const loadBalancer = leaving ? {} : { ingress: [{ hostname: "lb.their.example.com" }] };
    const metadata = { ...found.metadata, finalizers: leaving ? [] : [finalizer] };
    await client.updateStatus(serviceKind, { ...found, metadata, status: { ...found.status, loadBalancer } });
    return settled;
  },
});

const theirs = new AsyncDisposableStack();
async function startTheirs(): Promise<void> {
  await on.cluster.kubectl.apply(rights);
  const token = (await kubectl("create", "token", "cloud-controller-manager", "-n", "kube-system")).trim();
  const { server, tls } = openApi(on.cluster.kubeconfig);
  const transport = theirs.use(openHttpTransport({ server, ca: tls.ca, credentials: () => ({ token }), clock }));
  const client = openClient(transport, { fieldManager: "their-cloud" });
  const informers = theirs.use(openInformers(client, { clock, log }));
  for (const controller of [ofNodes, ofServices])
    theirs.use(await startController(controller, { client, informers, clock, log }));
}
const node = () => on.json("get", "node", "cloud");

beforeAll(async () => {
  await kubectl("run", "waits", "--image=busybox:1", "--", "sleep", "3600");
});
afterAll(() => theirs[Symbol.asyncDispose]());

test("a node waits for the cloud outside; pods are not scheduled to it", async () => {
  const { metadata, spec, status } = await node();
  expect(spec.providerID).toBeUndefined();
  expect(spec.taints).toContainEqual({ key: uninitialized, value: "true", effect: "NoSchedule" });
  expect(metadata.annotations["alpha.kubernetes.io/provided-node-ip"]).toBe(on.machine.address);
  expect(status.addresses).toEqual([
    { type: "InternalIP", address: on.machine.address },
    { type: "Hostname", address: "cloud" },
  ]);
  await eventually(async () => expect(await kubectl("events", "--for", "pod/waits")).toContain("untolerated taint(s)"));
});

test("what the cloud says of the node stands, and pods come", async () => {
  await startTheirs();
  await kubectl("wait", "--for=condition=Ready", "pod/waits", "--timeout=150s");
  await on.cluster.stop();
  await on.cluster.start();
  await eventually(async () => {
    const { metadata, spec, status } = await node();
    expect(spec.providerID).toBe("their-cloud://i-1");
    expect(metadata.labels["topology.kubernetes.io/zone"]).toBe("their-zone");
    expect(status.addresses).toContainEqual({ type: "ExternalIP", address: "198.51.100.7" });
    expect(spec.taints ?? []).toEqual([]);
  });
});

test("the cloud's load balancer is the only one", async () => {
  await kubectl("create", "service", "loadbalancer", "web", "--tcp=80:80");
  await eventually(async () =>
    expect((await on.json("get", "service", "web")).status.loadBalancer.ingress).toEqual([
      { hostname: "lb.their.example.com" },
    ]),
  );
  await kubectl("delete", "service", "web", "--timeout=150s");
});
