/**
 * `npm run bench`: measures what docs/performance.md has budgets for, and prints both side by side.
 *
 *   --only start,idle,memory,api,pods,join,agent,return,network,cluster   these parts (default: all)
 *   --seconds N                     length of each load (default 5), --idle N of the idle part (default 600)
 *   --settle N                      seconds from a start or a load to the measuring of memory (default 300)
 *   --server URL --ca FILE --cert FILE --key FILE | --token TEXT
 *                                   only the API load, against any other API server; --pid N[,N] adds its processes
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openApi } from "../support/api.ts";
import { startCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { lan } from "../support/machine.ts";
import { must, start } from "../support/run.ts";
import { configMap, connect, type Operation, repeat, spreadOf, type Target } from "./load.ts";
import { idleAgent, joining, returning, throughput } from "./nodes.ts";
import { residentBytes, type Usage, usageOf } from "./proc.ts";

const { values: given } = parseArgs({
  options: {
    only: { type: "string", default: "size,start,idle,memory,api,pods,join,agent,return,network,cluster" },
    seconds: { type: "string", default: "5" },
    idle: { type: "string", default: "600" },
    settle: { type: "string", default: "300" },
    server: { type: "string" },
    ca: { type: "string" },
    cert: { type: "string" },
    key: { type: "string" },
    token: { type: "string" },
    pid: { type: "string", default: "" },
  },
});
const skiff = resolve(import.meta.dirname, "../../dist/skiff");
const seconds = Number(given.seconds);
const parts: Record<string, () => Promise<void>> = {
  size,
  start: startTimes,
  idle,
  memory,
  api,
  pods,
  join: () => joining(line),
  agent: () => idleAgent(line, { settleS: Number(given.settle), idleS: Number(given.idle) }),
  return: () => returning(line),
  network: () => throughput(line, seconds),
  cluster,
};

console.log(`${"what".padEnd(58)} ${"measured".padStart(14)}  budget`);
if (given.server !== undefined) {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, "utf8"));
  await apiLoad(
    { server: given.server, ca: file(given.ca), cert: file(given.cert), key: file(given.key), token: given.token },
    given.pid.split(",").filter(Boolean).map(Number),
  );
} else {
  // As after a boot, when the executable is read from the disk in small pieces: what a build or an installer has just written
  // lies in the page cache in large ones, and the kernel maps a piece whole (18 to 28 MB more of VmRSS with Linux 6.18).
  await must("dd", [`if=${skiff}`, "iflag=nocache", "count=0"]);
  for (const name of given.only.split(",")) {
    const part = parts[name];
    if (!part) throw new Error(`--only ${name}: choose among ${Object.keys(parts).join(", ")}`);
    await part();
  }
}
process.exit(0);

function line(what: string, measured: number, unit: string, budget = "", digits = 1): void {
  console.log(`${what.padEnd(58)} ${`${measured.toFixed(digits)} ${unit}`.padStart(14)}  ${budget}`);
}

async function size(): Promise<void> {
  line("executable", statSync(skiff).size / 1e6, "MB", "140 MB");
  const compressed = await must("sh", ["-c", `zstd -q -19 -c ${skiff} | wc -c`]);
  line("executable, compressed", Number(compressed) / 1e6, "MB", "40 MB");
}

/** Runs `work` beside a server without an agent, whose data lies in a new directory. */
async function withServer(work: (target: Target, pid: number) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  const kubeconfig = join(directory, "kubeconfig");
  const server = start(skiff, [
    "server",
    "--disable-agent",
    "--bind-address",
    "127.0.0.1",
    "--https-listen-port",
    "16443",
    "--data-dir",
    join(directory, "data"),
    "--write-kubeconfig",
    kubeconfig,
  ]);
  try {
    const api = await eventually(async () => {
      if (server.child.exitCode !== null) throw new Error(`skiff server ended:\n${server.output()}`);
      const opened = openApi(kubeconfig);
      if ((await opened.request("GET", "/readyz")).status !== 200) throw new Error("not ready");
      return opened;
    });
    await work({ server: api.server, ...api.tls }, server.child.pid ?? 0);
    api[Symbol.dispose]();
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** From exec to an answer of /readyz, and to a Ready node, with an empty data directory. */
async function startTimes(): Promise<void> {
  const times: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    const began = performance.now();
    await withServer(async () => void times.push(performance.now() - began));
  }
  line("exec to /readyz, first start (median of 5)", spreadOf(times).p50, "ms", "1000 ms", 0);
  await using network = await lan();
  const machine = await network.machine("start");
  const began = performance.now();
  await using _cluster = await startCluster(machine);
  line("exec to node Ready, first start", performance.now() - began, "ms", "2500 ms", 0);
}

async function idle(): Promise<void> {
  await using network = await lan();
  const machine = await network.machine("idle");
  await using _cluster = await startCluster(machine);
  const pid = await skiffPid();
  await sleep(Number(given.settle) * 1000);
  line(
    `resident memory, server and agent, ${given.settle} s after the start`,
    residentBytes(pid) / 1e6,
    "MB",
    "128 MB",
  );
  const [before, began] = [usageOf(pid), performance.now()];
  await sleep(Number(given.idle) * 1000);
  const [after, wallMs] = [usageOf(pid), performance.now() - began];
  line(`idle CPU over ${given.idle} s`, ((after.cpuMs - before.cpuMs) * 100) / wallMs, "%", "0.5 % of one core", 3);
  line(`idle disk writes over ${given.idle} s`, after.writtenBytes - before.writtenBytes, "bytes", "0", 0);
}

async function skiffPid(): Promise<number> {
  const pids = (await must("pgrep", ["-f", `^${skiff} server`])).trim().split("\n").map(Number);
  return pids.at(-1) ?? 0;
}

async function api(): Promise<void> {
  await withServer(async (target, pid) => {
    await apiLoad(target, [pid]);
  });
}

/** What the load of the API leaves in a server with an agent. */
async function memory(): Promise<void> {
  await using network = await lan();
  const machine = await network.machine("memory");
  await using cluster = await startCluster(machine);
  const pid = await skiffPid();
  const { server, tls } = openApi(cluster.kubeconfig);
  await apiLoad({ server, ...tls }, [pid]);
  line("resident memory, server and agent, at the end of this load", residentBytes(pid) / 1e6, "MB", "192 MB");
  await sleep(3000);
  line("resident memory, server and agent, 3 s after this load", residentBytes(pid) / 1e6, "MB");
  await sleep(Number(given.settle) * 1000);
  line(`the same ${given.settle} s later`, residentBytes(pid) / 1e6, "MB", "144 MB");
}

async function apiLoad(target: Target, pids: readonly number[]): Promise<void> {
  const used = (): Usage =>
    pids.map(usageOf).reduce(
      (a, b) => ({
        residentBytes: a.residentBytes + b.residentBytes,
        cpuMs: a.cpuMs + b.cpuMs,
        writtenBytes: a.writtenBytes + b.writtenBytes,
      }),
      { residentBytes: 0, cpuMs: 0, writtenBytes: 0 },
    );
  const connections = Array.from({ length: 32 }, () => connect(target));
  const [first] = connections;
  if (!first) return;
  const namespace = `bench-${Date.now().toString(36)}`;
  await first.send(
    "POST",
    "/api/v1/namespaces",
    JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }),
  );

  const budgets: Record<Operation, { perSecond: string; cpuMs: string }> = {
    create: { perSecond: "3742 (2 x kube-apiserver)", cpuMs: "0.25 ms" },
    get: { perSecond: "6936 (2 x kube-apiserver)", cpuMs: "0.08 ms" },
    put: { perSecond: "2970 (2 x kube-apiserver)", cpuMs: "" },
    patch: { perSecond: "2660 (2 x kube-apiserver)", cpuMs: "" },
  };
  for (const operation of ["create", "get", "put", "patch"] as const) {
    const before = used();
    const { count, perSecond, failures, p50, p99 } = await repeat(connections, operation, namespace, seconds);
    const after = used();
    line(`${operation} x32 clients, 1 KB, durable`, perSecond, "/s", budgets[operation].perSecond, 0);
    line(`  p50; p99 ${p99.toFixed(1)} ms; failed ${failures}`, p50, "ms");
    if (pids.length > 0)
      line("  server CPU an operation", (after.cpuMs - before.cpuMs) / count, "ms", budgets[operation].cpuMs, 3);
    if (pids.length > 0 && operation === "create")
      line("  bytes written an operation", (after.writtenBytes - before.writtenBytes) / count, "bytes", "4096", 0);
  }

  const path = `/api/v1/namespaces/${namespace}-list/configmaps`;
  await first.send(
    "POST",
    "/api/v1/namespaces",
    JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name: `${namespace}-list` } }),
  );
  let next = 0;
  await Promise.all(
    connections.map(async (connection) => {
      while (next < 10_000) await connection.send("POST", path, configMap(`o-${next++}`, 2000));
    }),
  );
  const lists: number[] = [];
  for (let turn = 0; turn < 7; turn++) {
    const began = performance.now();
    await first.send("GET", path);
    lists.push(performance.now() - began);
  }
  line("list of 10,000 objects of 2 KB", spreadOf(lists).p50, "ms", "80 ms");
  await watchLoad(target, first, `/api/v1/namespaces/${namespace}/configmaps`);
  for (const name of [`${namespace}-list`, namespace]) {
    await first.send("DELETE", `/api/v1/namespaces/${name}/configmaps`);
    await first.send("DELETE", `/api/v1/namespaces/${name}`);
  }
  for (const connection of connections) connection.close();
}

/** From the acknowledgement of a write to its arrival at each of 1,000 watchers on 20 connections. */
async function watchLoad(target: Target, writer: ReturnType<typeof connect>, path: string): Promise<void> {
  const watchers = 1000;
  await writer.send("POST", path, configMap("watched", 1000));
  const { metadata } = JSON.parse((await writer.send("GET", `${path}?limit=1`)).body.toString());
  const connections = Array.from({ length: 20 }, () => connect(target));
  let arrivals: number[] = [];
  await Promise.all(
    Array.from({ length: watchers }, (_, i) =>
      connections[i % connections.length]?.stream(
        `${path}?watch=1&resourceVersion=${metadata.resourceVersion}`,
        (part) => {
          if (part.at(-1) === 10) arrivals.push(performance.now()); // an event ends with its line
        },
      ),
    ),
  );
  const times: number[] = [];
  let missing = 0;
  for (let turn = 0; turn < 50; turn++) {
    arrivals = [];
    await writer.send("PUT", `${path}/watched`, configMap("watched", 1000, turn));
    const acknowledged = performance.now();
    for (let waited = 0; arrivals.length < watchers && waited < 5000; waited += 5) await sleep(5);
    missing += watchers - arrivals.length;
    times.push(...arrivals.map((time) => time - acknowledged));
  }
  const { p50, p99 } = spreadOf(times);
  line(`event at 1,000 watchers after the acknowledgement; missing ${missing}`, p50, "ms p50", "5 ms");
  line("  99th percentile", p99, "ms", "20 ms");
  for (const connection of connections) connection.close();
}

/** Twenty pods of the built-in image, one after the other and at once. */
async function pods(): Promise<void> {
  await using network = await lan();
  const machine = await network.machine("pods");
  await using cluster = await startCluster(machine);
  const api = openApi(cluster.kubeconfig);
  const pod = (name: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      containers: [{ name: "c", image: "skiff/hello:latest", imagePullPolicy: "IfNotPresent" }],
      terminationGracePeriodSeconds: 0,
    },
  });
  const running = (name: string) =>
    eventually(async () => {
      const { body } = await api.request("GET", `/api/v1/namespaces/default/pods/${name}`);
      if (body.status.phase !== "Running") throw new Error(`${name} is ${body.status.phase}`);
    });
  const times: number[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const began = performance.now();
    await api.request("POST", "/api/v1/namespaces/default/pods", pod(`one-${turn}`));
    await running(`one-${turn}`);
    times.push(performance.now() - began);
  }
  line(
    "pod create to Running, one at a time (median of 20)",
    spreadOf(times).p50,
    "ms",
    "runtime + 150 ms (k3s 1000)",
    0,
  );
  await api.request("DELETE", "/api/v1/namespaces/default/pods");
  const began = performance.now();
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await api.request("POST", "/api/v1/namespaces/default/pods", pod(`many-${i}`));
      await running(`many-${i}`);
    }),
  );
  line("20 pods at once, the last one Running", performance.now() - began, "ms", "5000 ms (k3s 13600)", 0);
  line("resident memory, server and agent", residentBytes(await skiffPid()) / 1e6, "MB");
  api[Symbol.dispose]();
}

/** The control plane with a thousand simulated nodes; each part in a process of its own, so that none pays for another's garbage. */
async function cluster(): Promise<void> {
  const program = join(import.meta.dirname, "cluster.ts");
  for (const part of ["schedule", "spread", "apart", "deployment", "job", "daemonset", "heartbeat", "lost"]) {
    const args = ["--max-semi-space-size=16", program, "--only", part];
    console.log((await must(process.execPath, args, { limitMs: 600_000 })).trimEnd());
  }
}
