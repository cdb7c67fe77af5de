/**
 * The control plane with simulated nodes: objects with heartbeats, whose pods report Running by themselves.
 *
 *   node --max-semi-space-size=16 test/bench/cluster.ts [--only schedule,spread,deployment,…] [--nodes N] [--pods N] [--replicas N]
 *
 * Everything is in one process, the simulated kubelets too; the database lies in a new directory.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { daemonSet } from "../../src/api/kinds/apps/daemon-set.ts";
import { deployment } from "../../src/api/kinds/apps/deployment.ts";
import { job } from "../../src/api/kinds/batch/job.ts";
import { lease } from "../../src/api/kinds/coordination/lease.ts";
import { node } from "../../src/api/kinds/core/node.ts";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { service } from "../../src/api/kinds/core/service.ts";
import { serviceAccount } from "../../src/api/kinds/core/service-account.ts";
import { endpointSlice } from "../../src/api/kinds/discovery/endpoint-slice.ts";
import { podDisruptionBudget } from "../../src/api/kinds/policy/pod-disruption-budget.ts";
import { isLeaving, keyOf } from "../../src/api/object.ts";
import type { Node, Pod, PodSpec } from "../../src/api/schema/types.ts";
import { timeText } from "../../src/api/time.ts";
import { accountUser } from "../../src/app/part-users.ts";
import { constant } from "../../src/base/changing.ts";
import { systemClock as clock } from "../../src/base/clock.ts";
import { openLog } from "../../src/base/log.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import type { Informers } from "../../src/client/informer.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { runControllers } from "../../src/controllers/run.ts";
import { runScheduler } from "../../src/scheduler/run.ts";
import { openStore } from "../../src/store/open.ts";
import { startApiServer } from "../support/api-server.ts";

const { values: given } = parseArgs({
  options: {
    only: { type: "string", default: "schedule,spread,apart,deployment,job,daemonset,heartbeat,lost" },
    nodes: { type: "string", default: "1000" },
    pods: { type: "string", default: "10000" },
    replicas: { type: "string", default: "5000" },
  },
});
const nodeCount = Number(given.nodes);
const podCount = Number(given.pods);
const replicas = Number(given.replicas);
const log = openLog({ level: "warn", write: (line) => process.stderr.write(line) });
const admin = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
const image = "registry.example/app:1";
const labels = { app: "web" };

interface Plane extends AsyncDisposable {
  readonly client: Client;
  readonly informers: Informers;
  readonly clientFor: (account: string) => Client;
  /** Nodes that have fallen silent. */
  readonly silent: Set<string>;
}

async function aPlane({ kubelets = true } = {}): Promise<Plane> {
  const running = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  running.defer(() => rmSync(directory, { recursive: true }));
  const store = running.use(await openStore({ kind: "sqlite", directory }, { clock, log }));
  const server = running.use(await startApiServer({ store, log }));
  const client = openClient(server.transportFor(admin), { fieldManager: "bench" });
  const clientFor = (account: string) =>
    openClient(server.transportFor(accountUser(account)), { fieldManager: "kube-controller-manager" });
  await client.create(serviceAccount, { metadata: { namespace: "default", name: "default" } });
  const informers = running.use(openInformers(client, { clock, log }));
  const silent = new Set<string>();
  if (kubelets) running.use(informers.of(pod).onChange(({ after }) => after && void care(client, after, silent)));
  return { client, informers, clientFor, silent, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What a kubelet does: sets a bound pod Running and Ready (ended, when it should not run for ever), and lets a leaving one go. */
async function care(client: Client, current: Pod, silent: ReadonlySet<string>): Promise<void> {
  const { spec, status } = current;
  if (!spec?.nodeName || silent.has(spec.nodeName) || status?.phase === "Succeeded") return;
  if (isLeaving(current)) {
    await client.delete(pod, keyOf(current), { gracePeriodSeconds: 0 }).catch(changedMeanwhile);
    return;
  }
  if (status?.phase === "Running") return;
  const now = timeText(clock.now());
  const condition = (type: string) => ({ type, status: "True", lastTransitionTime: now });
  const podIP = "10.42.0.9";
  const document = {
    status: {
      phase: spec.restartPolicy === "Never" ? "Succeeded" : "Running",
      startTime: now,
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition),
    },
  };
  await client
    .patch(pod, keyOf(current), { type: "strategic", document }, { subresource: "status" })
    .catch(changedMeanwhile);
}

/** The next change of the pod comes here too. */
function changedMeanwhile(error: unknown): void {
  log.debug("a pod changed meanwhile", { error });
}

async function each(count: number, work: (index: number) => Promise<unknown>, parallel = 64): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}

function addNodes(client: Client, count: number): Promise<void> {
  const allocatable = { cpu: "32", memory: "128Gi", pods: "110" };
  const now = timeText(clock.now());
  return each(count, async (index) => {
    const name = `n${index}`;
    const zone = { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": `z${index % 3}` };
    const made = await client.create(node, { metadata: { name, labels: zone }, spec: {} });
    const conditions = [{ type: "Ready", status: "True", lastHeartbeatTime: now, lastTransitionTime: now }];
    const document = {
      status: { allocatable, capacity: allocatable, conditions },
    };
    await client.patch(node, keyOf(made), { type: "strategic", document }, { subresource: "status" });
    await client.patch(node, keyOf(made), { type: "merge", document: { spec: { taints: null } } });
    await beat(client, name);
  });
}

async function beat(client: Client, name: string): Promise<void> {
  const key = { namespace: "kube-node-lease", name };
  const renewTime = `${new Date(clock.now()).toISOString().slice(0, -1)}000Z`;
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
  try {
    await client.patch(lease, key, { type: "merge", document: { spec } });
  } catch {
    await client.create(lease, { metadata: key, spec }); // the first beat of this node
  }
}

const seconds = (fromMs: number): number => (performance.now() - fromMs) / 1000;

function tell(what: string, value: number, unit: string, digits = 1): void {
  const memory = `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`;
  console.log(`${what.padEnd(64)} ${`${value.toFixed(digits)} ${unit}`.padStart(16)} ${memory.padStart(10)}`);
}

async function until(informers: Informers, wanted: number, test: (each: Pod) => boolean): Promise<void> {
  const met = new Set<string>();
  await new Promise<void>((resolve) => {
    const listening = informers.of(pod).onChange(({ after, before }) => {
      const uid = (after ?? before)?.metadata.uid ?? "";
      if (after && test(after)) met.add(uid);
      else met.delete(uid);
      if (met.size < wanted) return;
      setImmediate(() => listening[Symbol.dispose]());
      resolve();
    });
  });
}

/** Pods that wait for a scheduler, and how fast they are bound once there is one. */
async function schedule(what: string, spec: Partial<PodSpec>): Promise<void> {
  await using plane = await aPlane({ kubelets: false });
  const { client, informers } = plane;
  await addNodes(client, nodeCount);
  const containers = [{ name: "app", image, resources: { requests: { cpu: "100m", memory: "200Mi" } } }];
  await each(podCount, (index) =>
    client.create(pod, {
      metadata: { namespace: "default", name: `web-${index}`, labels },
      spec: { containers, ...spec },
    }),
  );
  await informers.of(pod).synced;
  const began = performance.now();
  const cpu = process.cpuUsage();
  const bound = until(informers, podCount, (each) => Boolean(each.spec?.nodeName));
  const scheduler = await runScheduler({ client, informers, clock, log });
  await bound;
  tell(`${what}: ${podCount} pods on ${nodeCount} nodes (budget 500)`, podCount / seconds(began), "pods/s");
  const { user, system } = process.cpuUsage(cpu);
  tell(`${what}: CPU of the whole process a pod`, (user + system) / 1000 / podCount, "ms", 2);
  scheduler[Symbol.dispose]();
}

// Room for the networks of four thousand nodes.
const options = { clusterCidrs: ["10.32.0.0/12"], rootCa: constant("the certificate"), serviceLoadBalancer: false };

const key = { namespace: "default", name: "web" };
const template = { metadata: { name: "", labels }, spec: { containers: [{ name: "app", image }] } };

/** With controllers and a scheduler; `nodes` of them, and no node takes more than 110 pods. */
async function withControllers(nodes: number, run: (plane: Plane) => Promise<void>): Promise<void> {
  await using plane = await aPlane();
  const { client, informers, clientFor } = plane;
  await addNodes(client, nodes);
  using _controllers = await runControllers({ clientFor, informers, clock, log, options });
  using _scheduler = await runScheduler({ client, informers, clock, log });
  const isTakenIn = (now: Node | undefined): boolean => Boolean(now?.spec.podCIDR && !now.spec.taints);
  await Promise.all(
    informers
      .of(node)
      .list()
      .map(({ metadata }) => informers.of(node).until(metadata, isTakenIn)),
  );
  await run(plane);
}

/** How long `work` takes, and what CPU the whole process needs for each of `count`. */
async function timed(what: string, count: number, work: () => Promise<void>): Promise<void> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  tell(what, seconds(began), "s");
  tell("  CPU of the whole process for each of them", (user + system) / 1000 / count, "ms", 2);
}

const nodesFor = (pods: number): number => Math.min(nodeCount, Math.ceil(pods / 50));

/** Also with a Service and a budget over the same pods, and its end. */
function deploymentOf(pods: number): Promise<void> {
  return withControllers(nodesFor(pods), async ({ client, informers }) => {
    await client.create(service, { metadata: key, spec: { selector: labels, ports: [{ port: 80 }] } });
    await client.create(podDisruptionBudget, {
      metadata: key,
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    });
    const slices = informers.of(endpointSlice);
    await timed(`Deployment of ${pods} replicas: create to all Available`, pods, async () => {
      await client.create(deployment, {
        metadata: key,
        spec: { replicas: pods, selector: { matchLabels: labels }, template },
      });
      await informers.of(deployment).until(key, (now) => now?.status?.availableReplicas === pods);
    });
    const began = performance.now();
    await new Promise<void>((resolve) => {
      const listening = slices.onChange(() => {
        const ready = slices.list().flatMap(({ endpoints }) => endpoints ?? []);
        if (ready.length < pods) return;
        setImmediate(() => listening[Symbol.dispose]());
        resolve();
      });
    });
    tell("  and until all are endpoints of its Service", seconds(began), "s", 2);
    await timed(`Deployment of ${pods} replicas: its deletion to the last pod gone`, pods, async () => {
      const before = informers.of(pod).list("default");
      await client.delete(deployment, key, { propagationPolicy: "Background" });
      await Promise.all(before.map((each) => informers.of(pod).until(keyOf(each), (now) => now === undefined)));
    });
  });
}

function jobOf(pods: number): Promise<void> {
  return withControllers(nodesFor(pods), async ({ client, informers }) => {
    await timed(`Job of ${pods} pods at once: create to Complete`, pods, async () => {
      const spec = { ...template.spec, restartPolicy: "Never" };
      await client.create(job, {
        metadata: key,
        spec: { parallelism: pods, completions: pods, template: { metadata: { name: "" }, spec } },
      });
      await informers.of(job).until(key, (now) => now?.status?.completionTime !== undefined);
    });
  });
}

function daemonSetOn(nodes: number): Promise<void> {
  return withControllers(nodes, async ({ client, informers }) => {
    await timed(`DaemonSet on ${nodes} nodes: create to all Available`, nodes, async () => {
      await client.create(daemonSet, { metadata: key, spec: { selector: { matchLabels: labels }, template } });
      await informers.of(daemonSet).until(key, (now) => now?.status?.numberAvailable === nodes);
    });
  });
}

async function heartbeats(): Promise<void> {
  await withControllers(nodeCount, async ({ client }) => {
    const rounds = 5;
    await timed(`${rounds} heartbeats of ${nodeCount} nodes (Leases)`, rounds * nodeCount, async () => {
      for (let round = 0; round < rounds; round++) await each(nodeCount, (index) => beat(client, `n${index}`));
    });
  });
}

async function lostNode(): Promise<void> {
  await using plane = await aPlane();
  const { client, informers, clientFor, silent } = plane;
  const nodes = 10;
  await addNodes(client, nodes);
  const settings = { nodeMonitorGraceMs: 8000, nodeStartupGraceMs: 12_000 };
  using _controllers = await runControllers({ clientFor, informers, clock, log, options: { ...options, settings } });
  using _scheduler = await runScheduler({ client, informers, clock, log });
  const beats = setInterval(() => {
    for (let index = 0; index < nodes; index++) if (!silent.has(`n${index}`)) void beat(client, `n${index}`);
  }, 2000);
  const toleration = (key: string) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 0 });
  const tolerations = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].map(toleration);
  const spec = { nodeName: "n0", containers: [{ name: "app", image }], tolerations };
  const running = until(informers, 100, (each) => each.status?.phase === "Running");
  await each(100, (index) =>
    client.create(pod, { metadata: { namespace: "default", name: `lost-${index}`, labels }, spec }),
  );
  await running;
  silent.add("n0");
  const leaving = until(informers, 100, isLeaving);
  await informers.of(node).until({ name: "n0" }, (now) => now?.status?.conditions?.[0]?.status === "Unknown");
  const began = performance.now();
  await leaving;
  clearInterval(beats);
  tell("lost node: marked Unknown to the last of its 100 pods evicted", seconds(began), "s", 2);
}

const spreading = {
  topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 5,
    topologyKey,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: labels },
  })),
};
const apart = {
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 1,
          podAffinityTerm: { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" },
        },
      ],
    },
  },
};
const parts: Record<string, () => Promise<void>> = {
  schedule: () => schedule("default plugins", {}),
  spread: () => schedule("two spread constraints", spreading),
  apart: () => schedule("preferred anti-affinity", apart),
  deployment: () => deploymentOf(replicas),
  job: () => jobOf(replicas),
  daemonset: () => daemonSetOn(nodeCount),
  heartbeat: heartbeats,
  lost: lostNode,
};
for (const name of given.only.split(",")) {
  const part = parts[name];
  if (!part) throw new Error(`--only ${name}: choose among ${Object.keys(parts).join(", ")}`);
  await part();
}
process.exit(0);
