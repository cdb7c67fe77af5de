import { vi } from "vitest";
import { node } from "../../src/api/kinds/core/node.ts";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { isLeaving, keyOf } from "../../src/api/object.ts";
import type { NodeSystemInfo, Pod } from "../../src/api/schema/types.ts";
import { isReason } from "../../src/api/status.ts";
import { accountUser } from "../../src/app/part-users.ts";
import { constant } from "../../src/base/changing.ts";
import { systemClock as clock } from "../../src/base/clock.ts";
import { noLog as log } from "../../src/base/log.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { runControllers, runServerLoops } from "../../src/controllers/run.ts";
import { runScheduler } from "../../src/scheduler/run.ts";
import { startApiServer } from "./api-server.ts";

/** A whole control plane in one process: the real API server, controllers and scheduler; nodes and kubelets are pretended. */
export interface ControlPlane extends AsyncDisposable {
  /** The administrator's. */
  readonly client: Client;
  /** A node with 4 cores, 8 GiB and room for 110 pods, but for what is said. */
  addNode(name: string, allocatable?: Readonly<Record<string, string>>): Promise<void>;
}

export async function startControlPlane(): Promise<ControlPlane> {
  const running = new AsyncDisposableStack();
  const server = running.use(await startApiServer());
  const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
  const client = openClient(server.transportFor(admin), { fieldManager: "test" });
  const informers = running.use(openInformers(client, { clock, log }));
  const options = { clusterCidrs: ["10.42.0.0/16"], rootCa: constant("the certificate") };
  // Each controller has the rights of its own account only, as in the server.
  const clientFor = (account: string) =>
    openClient(server.transportFor(accountUser(account)), { fieldManager: "kube-controller-manager" });
  running.use(await runControllers({ clientFor, informers, clock, log, options }));
  const nodePorts = { from: 30_000, to: 32_767 };
  running.use(await runServerLoops({ clientFor, informers, clock, log, nodePorts }));
  running.use(await runScheduler({ client, informers, clock, log }));
  let address = 10;
  // What is being written has its answer before the server goes.
  const writes = new Set<Promise<void>>();
  running.defer(async () => void (await Promise.all(writes)));
  running.use(
    informers.of(pod).onChange(({ after }) => {
      if (!after) return;
      const write = lookAfter(client, after, () => `10.42.0.${address++}`);
      writes.add(write);
      void write.finally(() => writes.delete(write));
    }),
  );
  return {
    client,
    addNode: (name, allocatable) => addNode(client, name, allocatable),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What a kubelet does: sets a bound pod Running and Ready, and lets a leaving one go. */
async function lookAfter(client: Client, object: Pod, nextAddress: () => string): Promise<void> {
  if (!object.spec?.nodeName) return;
  try {
    if (isLeaving(object)) await client.delete(pod, keyOf(object), { gracePeriodSeconds: 0 });
    else if (!object.status?.phase || object.status.phase === "Pending") {
      const podIP = nextAddress();
      const ready = { type: "Ready", status: "True", lastTransitionTime: new Date().toISOString() };
      const conditions = [...(object.status?.conditions ?? []), ready];
      const status = { ...object.status, phase: "Running", podIP, podIPs: [{ ip: podIP }], conditions };
      await client.updateStatus(pod, { ...object, status });
    }
  } catch (error) {
    // Changed meanwhile: the change comes here too.
    if (!isReason(error, "Conflict") && !isReason(error, "NotFound")) throw error;
  }
}

async function addNode(client: Client, name: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const made = await client.create(node, { metadata: { name, labels: { "kubernetes.io/hostname": name } }, spec: {} });
  const allocatable = { cpu: "4", memory: "8Gi", pods: "110", ...more };
  const addresses = [{ type: "InternalIP", address: `192.0.2.${name.slice(1)}` }];
  const conditions = [
    { type: "Ready", status: "True", reason: "KubeletReady", lastTransitionTime: new Date().toISOString() },
  ];
  // By its version a node says that skiff's own load balancer answers there.
  const nodeInfo = { kubeletVersion: "v1.36.2+skiff1" } as NodeSystemInfo;
  await vi.waitFor(
    async () => {
      const current = await client.get(node, keyOf(made));
      const status = { ...current.status, allocatable, capacity: allocatable, addresses, conditions, nodeInfo };
      await client.updateStatus(node, { ...current, status });
    },
    { interval: 20 },
  );
}
