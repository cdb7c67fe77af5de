import { afterAll, beforeAll, expect, test } from "vitest";
import { type Agent, joinCluster } from "../support/agent.ts";
import { type Api, openApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { journey } from "../support/journey.ts";
import type { Machine } from "../support/machine.ts";
import { seededRandom } from "../support/random.ts";

/** Two minutes of faults; SKIFF_SOAK_SECONDS for more. SKIFF_SEED repeats what another run did. */
const seconds = Number(process.env.SKIFF_SOAK_SECONDS ?? 120);
const seed = Number(process.env.SKIFF_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

const on = journey("one", ["busybox:1"]);
const { kubectl, json } = on;
const machines: Record<string, Machine> = {};
const agents: Record<string, Agent> = {};
let api: Api;
/** Every write that was answered. */
const acknowledged = new Map<string, string>();
const replicas = 4;

beforeAll(async () => {
  machines.one = on.machine;
  for (const name of ["two", "three"]) {
    machines[name] = await on.lan.machine(name);
    await loadImages(machines[name], ["busybox:1"]);
    agents[name] = await joinCluster(machines[name], on.cluster);
  }
  api = openApi(on.cluster.kubeconfig);
  await on.cluster.kubectl.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: c
        image: busybox:1
        command: [sh, -c, "mkdir /www; echo up > /www/index.html; exec httpd -f -p 8080 -h /www"]
        readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1, timeoutSeconds: 30}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
`);
  await kubectl("rollout", "status", "deployment/web", "--timeout=150s");
}, 900_000);
afterAll(async () => {
  api?.[Symbol.dispose]();
  for (const agent of Object.values(agents)) await agent[Symbol.asyncDispose]();
}, 600_000);

const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
const pauseMs = (most: number) => new Promise((done) => setTimeout(done, random() * most));

/** What happens to a device on an ordinary bad day. Each ends with the device being as it was. */
const faults: Record<string, () => Promise<void>> = {
  async "a node's link is down for a while"() {
    const machine = machines[pick(["two", "three"])];
    await machine?.cut();
    await pauseMs(20_000);
    await machine?.heal();
  },
  async "the server's link is down for a while"() {
    await machines.one?.cut();
    await pauseMs(10_000);
    await machines.one?.heal();
  },
  async "an agent is killed and started"() {
    const agent = agents[pick(["two", "three"])];
    await agent?.stop("SIGKILL");
    agent?.start();
  },
  async "the server is killed and started"() {
    await on.cluster.stop("SIGKILL");
    await pauseMs(3_000);
    await on.cluster.start();
  },
  async "a machine is rebooted"() {
    const name = pick(["two", "three"]);
    await agents[name]?.stop("SIGKILL");
    await machines[name]?.reboot();
    agents[name]?.start();
  },
  async "a container is killed"() {
    const machine = machines[pick(["one", "two", "three"])];
    const docker = "docker -H unix:///run/docker.sock";
    await machine?.must("sh", ["-c", `${docker} ps -q --filter name=k8s_c_web | head -1 | xargs -r ${docker} kill`]);
  },
  async "the rules are flushed"() {
    await machines[pick(["one", "two", "three"])]?.must("nft", ["flush", "ruleset"]);
  },
  async "a pod is deleted"() {
    const { items } = await json("get", "pods", "-l", "app=web");
    const pod = pick(items as { metadata: { name: string } }[]);
    await kubectl("delete", "pod", pod.metadata.name, "--wait=false");
  },
};

let written = 0;
/** Writes some objects; those that are answered must be there for ever. */
async function write(): Promise<void> {
  for (let n = 0; n < 5; n++) {
    const [name, value] = [`soak-${written}`, String(written++)];
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, labels: { soak: "yes" } },
      data: { value },
    };
    // A connection that broke with a link leaves open whether the write happened: only answers count.
    const answer = await api.request("POST", "/api/v1/namespaces/default/configmaps", object).catch(() => undefined);
    if (answer?.status === 201) acknowledged.set(name, value);
  }
}

/** What must hold as soon as things have come to rest. */
async function invariants(): Promise<void> {
  await eventually(
    async () => {
      const { items: nodes } = await json("get", "nodes");
      const isReady = (node: { status: { conditions: { type: string; status: string }[] } }) =>
        node.status.conditions.some(({ type, status }) => type === "Ready" && status === "True");
      expect(nodes.filter(isReady)).toHaveLength(3);
      // The pods that the API shows are those that run, each once, and as many as are wanted.
      const { items } = await json("get", "pods", "-l", "app=web");
      const wanted = (items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name).sort();
      expect(wanted).toHaveLength(replicas);
      const running: string[] = [];
      for (const machine of Object.values(machines)) {
        const script = "docker -H unix:///run/docker.sock ps --filter name=k8s_c_web --format '{{.Names}}'";
        const names = (await machine.must("sh", ["-c", script])).trim().split("\n").filter(Boolean);
        running.push(...names.map((name) => name.split("_")[2] ?? ""));
      }
      expect(running.sort()).toEqual(wanted);
    },
    { limitMs: 240_000 },
  );
  const { items } = await json("get", "configmaps", "-l", "soak=yes");
  const there = new Map(
    (items as { metadata: { name: string }; data: { value: string } }[]).map(({ metadata, data }) => [
      metadata.name,
      data.value,
    ]),
  );
  for (const [name, value] of acknowledged) expect([name, there.get(name)]).toEqual([name, value]);
  const { clusterIP } = (await json("get", "service", "web")).spec;
  for (const machine of Object.values(machines))
    await eventually(async () =>
      expect(await machine.must("curl", ["-sS", "-m", "10", `http://${clusterIP}/`])).toBe("up\n"),
    );
}

test(`three machines, faults in the order of seed ${seed}`, { timeout: seconds * 1000 + 900_000 }, async () => {
  console.log(`soak: seed ${seed}, ${seconds} s`);
  const end = Date.now() + seconds * 1000;
  try {
    do {
      const name = pick(Object.keys(faults));
      console.log(`soak: ${name}`);
      await write();
      await faults[name]?.();
      await invariants();
    } while (Date.now() < end);
  } catch (cause) {
    const said = [on.cluster, ...Object.values(agents)].map(
      (each) => `== ${each.machine.name} says\n${each.output().slice(-20_000)}`,
    );
    throw new Error(`what must hold does not, seed ${seed}\n${said.join("\n")}`, { cause });
  }
  expect(acknowledged.size).toBeGreaterThan(0);
  console.log(`soak: ${acknowledged.size} acknowledged writes are all there`);
});
