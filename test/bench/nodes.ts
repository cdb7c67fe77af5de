import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Agent, joinCluster } from "../support/agent.ts";
import { type Cluster, skiffProgram, startCluster } from "../support/cluster.ts";
import { cache, fetchPackages, unpackPackages } from "../support/debian.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { lan, type Machine } from "../support/machine.ts";
import { must } from "../support/run.ts";
import { usageOf } from "./proc.ts";

export type Print = (what: string, measured: number, unit: string, budget?: string, digits?: number) => void;

interface Pair {
  readonly cluster: Cluster;
  readonly one: Machine;
  readonly two: Machine;
}

/** Runs `work` with a server on one machine and another machine beside it. */
async function withPair(work: (pair: Pair) => Promise<void>): Promise<void> {
  await using net = await lan();
  const [one, two] = [await net.machine("one"), await net.machine("two")];
  for (const machine of [one, two]) await loadImages(machine, ["busybox:1"]);
  await using cluster = await startCluster(one);
  await work({ cluster, one, two });
}

/** From the start of a new device's agent to its node being Ready, as the agent says it; the median of five. */
export async function joining(print: Print): Promise<void> {
  await withPair(async ({ cluster, two }) => {
    const tookS: number[] = [];
    for (let n = 0; n < 5; n++) {
      const flags = ["--node-name", `new-${n}`, "--data-dir", `/var/lib/skiff-${n}`];
      await using agent = await joinCluster(two, cluster, { flags });
      tookS.push(Number(/is Ready after ([\d.]+) s/.exec(agent.output())?.[1]));
      await agent.stop();
    }
    print("agent start to Ready, a device that joins", tookS.sort((a, b) => a - b)[2] ?? Number.NaN, "s", "5 s");
  });
}

/** An agent that has nothing to do. */
export async function idleAgent(print: Print, { settleS, idleS }: { settleS: number; idleS: number }): Promise<void> {
  await withPair(async ({ cluster, two }) => {
    await using agent = await joinCluster(two, cluster);
    const pid = await pidOf(agent);
    await sleep(settleS * 1000);
    const before = usageOf(pid);
    await sleep(idleS * 1000);
    const after = usageOf(pid);
    print("agent, idle: memory, with what it started", after.residentBytes / 1024 ** 2, "MB", "96 MB");
    print("agent, idle: processor", (after.cpuMs - before.cpuMs) / idleS / 10, "%", "0.5 %", 2);
    print("agent, idle: written", after.writtenBytes - before.writtenBytes, "bytes", "0 bytes", 0);
  });
}

/** From a node's link coming up again to the first request that it answers through the server. */
export async function returning(print: Print): Promise<void> {
  await withPair(async ({ cluster, two }) => {
    await using agent = await joinCluster(two, cluster);
    const answers = () => cluster.kubectl.must(["get", "--raw", "/api/v1/nodes/two/proxy/healthz"]);
    await eventually(answers);
    for (const cutS of [5, 30]) {
      await two.cut();
      await sleep(cutS * 1000);
      await two.heal();
      const began = performance.now();
      await eventually(answers);
      print(`node cut off for ${cutS} s: link up to first answer`, (performance.now() - began) / 1000, "s", "3 s");
    }
    await agent.stop();
  });
}

/** What pods on two nodes get of what the machines' own network carries: as fast as it goes, and over such a link as small devices have. */
export async function throughput(print: Print, seconds: number): Promise<void> {
  const program = await iperf();
  await withPair(async ({ cluster, one, two }) => {
    await using agent = await joinCluster(two, cluster);
    await cluster.kubectl.apply(podOn("one", program) + podOn("two", program));
    await cluster.kubectl.must(["wait", "--for=condition=Ready", "pod/iperf-one", "pod/iperf-two", "--timeout=90s"]);
    const { podIP } = (await cluster.kubectl.json(["get", "pod", "iperf-two"])).status;
    const client = (to: string) => `${program.command} -c ${to} -J -t ${seconds}`;
    const plainly = async (): Promise<number> => {
      const server = two.start("sh", ["-c", `${program.command} -s -1`]);
      const bits = await eventually(async () => bitsIn(await one.must("sh", ["-c", client(two.address)])));
      await server.ended;
      return bits;
    };
    const byPods = () =>
      eventually(async () =>
        bitsIn(await cluster.kubectl.must(["exec", "iperf-one", "--", "sh", "-c", client(podIP)])),
      );
    for (const link of [undefined, "1gbit"]) {
      if (link !== undefined) for (const machine of [one, two]) await limit(machine, link);
      const { plain, pods } = await turnByTurn(plainly, byPods);
      const over = link === undefined ? "" : `, link of ${link}`;
      print(`two machines without skiff${over}`, plain / 1e9, "Gbit/s", "", 2);
      print(`pods on two nodes (vxlan), of that${over}`, (100 * pods) / plain, "%", "90 %");
    }
    await agent.stop();
  });
}

/** Bits a second: medians of three turns each. What else runs on the machine meets both alike. */
async function turnByTurn(
  plainly: () => Promise<number>,
  byPods: () => Promise<number>,
): Promise<{ plain: number; pods: number }> {
  const [plain, pods]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < 3; turn++) {
    plain.push(await plainly());
    pods.push(await byPods());
  }
  const median = (all: number[]) => all.sort((a, b) => a - b)[1] ?? Number.NaN;
  return { plain: median(plain), pods: median(pods) };
}

/** @throws where nobody listened yet: iperf3 says so in its answer, and ends as if all were well */
function bitsIn(answer: string): number {
  return JSON.parse(answer).end.sum_received.bits_per_second;
}

/** The machine sends no faster than this. */
async function limit(machine: Machine, rate: string): Promise<void> {
  // Whole packets of TCP's pass at once, as a network card takes them.
  const bucket = ["rate", rate, "burst", "256kb", "latency", "20ms"];
  await machine.must("tc", ["qdisc", "replace", "dev", "eth0", "root", "tbf", ...bucket]);
}

interface Program {
  readonly root: string;
  readonly command: string;
}

/** iperf3 and its libraries, out of Debian's packages. */
async function iperf(): Promise<Program> {
  const root = join(cache, "iperf3");
  await unpackPackages(await fetchPackages(["iperf3"], { release: "bookworm", closure: true }), root);
  const libraries = `${root}/usr/lib/x86_64-linux-gnu:${root}/lib/x86_64-linux-gnu`;
  return { root, command: `LD_LIBRARY_PATH=${libraries} ${root}/usr/bin/iperf3` };
}

function podOn(node: string, { root, command }: Program): string {
  return `
---
apiVersion: v1
kind: Pod
metadata: {name: iperf-${node}}
spec:
  nodeName: ${node}
  terminationGracePeriodSeconds: 1
  volumes: [{name: root, hostPath: {path: ${root}}}, {name: lib64, hostPath: {path: /lib64}}, {name: lib, hostPath: {path: /lib}}]
  containers:
  - name: c
    image: busybox:1
    command: [sh, -c, "while :; do ${command} -s -1; done"]
    volumeMounts: [{name: root, mountPath: ${root}}, {name: lib64, mountPath: /lib64}, {name: lib, mountPath: /lib}]
`;
}

/** Its number as the host sees it. */
async function pidOf({ machine }: Agent): Promise<number> {
  const pids = (await must("pgrep", ["-f", `${skiffProgram.join(" ")} agent --server`])).trim().split("\n");
  if (pids.length !== 2) throw new Error(`beside ${machine.name}'s there are other agents: ${pids.join(", ")}`);
  // The first is nsenter, which stands between.
  return Math.max(...pids.map(Number));
}
