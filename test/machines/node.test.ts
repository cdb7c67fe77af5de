import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { duplexPair, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { configMap } from "../../src/api/kinds/core/config-map.ts";
import { event } from "../../src/api/kinds/core/event.ts";
import { node } from "../../src/api/kinds/core/node.ts";
import { pod } from "../../src/api/kinds/core/pod.ts";
import { secret } from "../../src/api/kinds/core/secret.ts";
import type { Container, Pod, PodSpec } from "../../src/api/schema/types.ts";
import { channels, encodeFrame, exitStatus, FrameReader } from "../../src/api/streams.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openLog } from "../../src/base/log.ts";
import { type Client, openClient } from "../../src/client/client.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { memoryTransport } from "../../src/client/testing/memory-transport.ts";
import { openDocker } from "../../src/node/open-docker.ts";
import { type RunningNode, runNode } from "../../src/node/run.ts";
import type { ContainerRuntime } from "../../src/node/runtime.ts";
import { nodeApi } from "../../src/node/serve.ts";
import { startDocker, type TestDocker } from "../support/docker.ts";
import { startRegistry } from "../support/registry.ts";
import { vethNetwork } from "../support/veth-network.ts";

const log = openLog({
  level: process.env.SKIFF_TEST_LOG ? "debug" : "error",
  write: (line) => process.stderr.write(line),
});
let daemon: TestDocker;
let runtime: ContainerRuntime;
let client: Client;
let running: RunningNode & AsyncDisposable;
const network = vethNetwork("10.199.7");
/** A bound against hanging: what waits for a back-off takes its time. */
const limitMs = 90_000;

beforeAll(async () => {
  daemon = await startDocker();
  await daemon.importBusybox();
  runtime = await openDocker({ socket: daemon.socket, directory: join(daemon.directory, "bin"), log });
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await runtime[Symbol.asyncDispose]();
  await daemon[Symbol.asyncDispose]();
});

async function start(): Promise<RunningNode & AsyncDisposable> {
  const informers = openInformers(client, { clock: systemClock, log });
  const started = await runNode({
    client,
    informers,
    runtime,
    network,
    clock: systemClock,
    log,
    nodeName: "m1",
    nodeIps: ["127.0.0.1"],
    dns: { clusterDns: ["10.43.0.10"], clusterDomain: "cluster.local" },
    rootDirectory: join(daemon.directory, "node"),
    memoryDirectory: join(daemon.directory, "run"),
    driverDirectory: join(daemon.directory, "kubelet"),
    version: "v1.36.0",
  });
  return {
    ...started,
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      await informers[Symbol.asyncDispose]();
    },
  };
}

beforeEach(async () => {
  client = openClient(memoryTransport(systemClock), { fieldManager: "kubelet" });
  running = await start();
});
afterEach(async () => {
  for (const { metadata } of (await client.list(pod)).items) {
    await client.delete(pod, { namespace: "default", name: metadata.name }, { gracePeriodSeconds: 1 });
  }
  await vi.waitFor(async () => expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] }), {
    timeout: limitMs,
  });
  await vi.waitFor(async () => expect((await client.list(pod)).items).toEqual([]));
  await running[Symbol.asyncDispose]();
});

const container = (over: Partial<Container> = {}): Container => ({
  name: "main",
  image: "busybox:1",
  command: ["sleep", "3600"],
  ...over,
});
async function create(name: string, spec: Partial<PodSpec>): Promise<Pod> {
  return client.create(pod, {
    metadata: { namespace: "default", name },
    spec: { nodeName: "m1", containers: [container()], terminationGracePeriodSeconds: 1, ...spec },
  });
}
const get = (name: string) => client.get(pod, { namespace: "default", name });
const until = <T>(name: string, check: (pod: Pod) => T) =>
  vi.waitFor(async () => check(await get(name)), { timeout: limitMs, interval: 20 });
const isReady = (each: Pod): Pod => {
  expect(each.status?.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  return each;
};
const events = async (name: string) =>
  (await client.list(event)).items
    .filter(({ involvedObject }) => involvedObject.name === name)
    .map(({ reason, message }) => `${reason}: ${message}`);
/** Events are written behind what they tell of. */
const told = (name: string, expected: unknown) => vi.waitFor(async () => expect(await events(name)).toEqual(expected));
async function inside(name: string, command: string[], of = "main"): Promise<string> {
  const uid = (await get(name)).metadata.uid ?? "";
  const id = (await runtime.list(uid)).containers.find((each) => each.name === of)?.id ?? "";
  return daemon.docker("exec", id, ...command);
}

/** Asks the node as the API server does over the tunnel. */
async function ask(path: string, input: Buffer | string = "") {
  const [theirs, ours] = duplexPair();
  let status = 0;
  const rootDirectory = join(daemon.directory, "node");
  const api = nodeApi({ node: running, runtime, clock: systemClock, rootDirectory });
  const answering = api(
    { method: "POST", path },
    {
      stream: theirs,
      signal: new AbortController().signal,
      respond(code) {
        status = code;
      },
    },
  );
  ours.end(input);
  const body = await buffer(ours);
  await answering;
  return { status, body, text: body.toString() };
}
async function framesOf(body: Buffer): Promise<Record<number, string>> {
  const said: Record<number, string> = {};
  for await (const { channel, payload } of Readable.from([body]).pipe(new FrameReader())) {
    said[channel] = (said[channel] ?? "") + payload.toString();
  }
  return said;
}

describe("what a node answers the API server", () => {
  beforeEach(async () => {
    await create("asked", {
      containers: [container({ command: ["sh", "-c", "echo one; echo two; exec httpd -f -p 8080 -h /etc"] })],
    });
    await until("asked", isReady);
  });

  test("the logs of a container, or why there are none", async () => {
    const logs = "/containerLogs/default/asked/main";
    await vi.waitFor(async () => expect(await ask(logs)).toMatchObject({ status: 200, text: "one\ntwo\n" }));
    expect((await ask(`${logs}?tailLines=1`)).text).toBe("two\n");
    expect((await ask(`${logs}?limitBytes=5`)).text).toBe("one\nt");
    const previous = await ask(`${logs}?previous=true`);
    expect(previous.status).toBe(400);
    expect(JSON.parse(previous.text)).toMatchObject({
      kind: "Status",
      message: 'previous terminated container "main" in pod "asked" not found',
    });
    await create("stuck", { containers: [container({ image: "127.0.0.1:9/none:1" })] });
    await until("stuck", ({ status }) =>
      expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("ErrImagePull"),
    );
    expect(JSON.parse((await ask("/containerLogs/default/stuck/main")).text).message).toMatch(
      /^container "main" in pod "stuck" is waiting to start: /,
    );
  });

  test("a command's streams and exit code", async () => {
    const command = ["sh", "-c", "cat; echo oops >&2; exit 4"]
      .map((word) => `command=${encodeURIComponent(word)}`)
      .join("&");
    const input = Buffer.concat([
      encodeFrame(channels.stdin, "typed"),
      encodeFrame(channels.close, Buffer.from([channels.stdin])),
    ]);
    const { status, body } = await ask(`/exec/default/asked/main?${command}&input=1&output=1&error=1`, input);
    expect(status).toBe(200);
    const said = await framesOf(body);
    expect([said[channels.stdout], said[channels.stderr]]).toEqual(["typed", "oops\n"]);
    expect(JSON.parse(said[channels.error] ?? "{}")).toEqual(exitStatus(4));
  });

  test("a connection to a port of the pod", async () => {
    await vi.waitFor(async () => {
      const { text } = await ask("/portForward/default/asked?port=8080", "GET /passwd HTTP/1.0\r\n\r\n");
      expect(text).toContain("root:x:0:0");
    });
    expect(await ask("/portForward/default/asked?port=81")).toMatchObject({ status: 500 });
  });

  test("what its pods are and use", async () => {
    expect(JSON.parse((await ask("/pods")).text).items.map((each: Pod) => each.metadata.name)).toEqual(["asked"]);
    const summary = JSON.parse((await ask("/stats/summary")).text);
    expect(summary.node.nodeName).toBe("m1");
    expect(summary.pods[0].containers[0].memory.usageBytes).toBeGreaterThan(0);
    expect((await ask("/metrics/resource")).text).toMatch(
      /^container_memory_working_set_bytes\{container="main",namespace="default",pod="asked"\} \d+ \d+$/m,
    );
    expect(await ask("/healthz")).toMatchObject({ status: 200, text: "ok" });
    expect((await ask("/metrics/cadvisor")).text).toMatch(
      /^container_memory_usage_bytes\{container="main",id="[^"]+",image="busybox:1",name="[^"]+",namespace="default",pod="asked"\} \d+ \d+$/m,
    );
    expect((await ask("/metrics")).text).toMatch(/^kubelet_running_pods 1$/m);
    expect(JSON.parse((await ask("/configz")).text).kubeletconfig).toMatchObject({ clusterDNS: ["10.43.0.10"] });
    expect(JSON.parse((await ask("/runningpods/")).text).items[0].spec.containers[0].name).toBe("main");
    expect((await ask("/logs/")).text).toMatch(/^<pre>\n<a href=/);
    expect(await ask("/logs/../shadow")).toMatchObject({ status: 404 });
    expect(await ask("/logs/%2e%2e%2fpasswd")).toMatchObject({ status: 404 });
    expect(await ask("/nothing")).toMatchObject({ status: 404 });
    expect(await ask("/exec/default/gone/main?command=ls")).toMatchObject({ status: 404 });
  });
});

describe("a node", () => {
  test("registers itself and says what it has", async () => {
    await running.registered;
    const { status, metadata } = await client.get(node, { name: "m1" });
    expect(metadata.labels?.["kubernetes.io/hostname"]).toBe("m1");
    expect(status?.conditions?.find(({ type }) => type === "Ready")).toMatchObject({
      status: "True",
      reason: "KubeletReady",
    });
    expect(status?.addresses).toEqual([
      { type: "InternalIP", address: "127.0.0.1" },
      { type: "Hostname", address: "m1" },
    ]);
    expect(status?.nodeInfo?.containerRuntimeVersion).toMatch(/^docker:\/\/\d/);
  });

  test("runs two containers that share a directory and talk over localhost", async () => {
    await create("pair", {
      volumes: [{ name: "shared", emptyDir: {} }],
      containers: [
        container({
          name: "web",
          command: ["httpd", "-f", "-p", "8080", "-h", "/data"],
          volumeMounts: [{ name: "shared", mountPath: "/data" }],
        }),
        container({
          command: ["sh", "-c", "echo hello > /shared/index.html; exec sleep 3600"],
          volumeMounts: [{ name: "shared", mountPath: "/shared" }],
        }),
      ],
    });
    const { status } = await until("pair", isReady);
    expect(status?.phase).toBe("Running");
    // Ready says that both were started, not how far they are.
    await vi.waitFor(async () =>
      expect(await inside("pair", ["wget", "-q", "-O-", "http://localhost:8080/index.html"])).toBe("hello"),
    );
    await told("pair", [
      'Pulled: Container image "busybox:1" already present on machine and can be accessed by the pod',
      "Created: Container created",
      "Started: Container started",
      'Pulled: Container image "busybox:1" already present on machine and can be accessed by the pod',
      "Created: Container created",
      "Started: Container started",
    ]);
  });

  test("runs init containers one after the other, and tries a failing one again", async () => {
    await create("init", {
      volumes: [{ name: "work", emptyDir: {} }],
      initContainers: [
        container({
          name: "first",
          command: ["sh", "-c", "[ -e /w/tried ] && echo done > /w/first && exit 0; touch /w/tried; exit 1"],
          volumeMounts: [{ name: "work", mountPath: "/w" }],
        }),
        container({
          name: "second",
          command: ["sh", "-c", "cat /w/first > /w/second"],
          volumeMounts: [{ name: "work", mountPath: "/w" }],
        }),
      ],
      containers: [container({ volumeMounts: [{ name: "work", mountPath: "/w" }] })],
    });
    const { status } = await until("init", isReady);
    expect(status?.initContainerStatuses).toMatchObject([
      { name: "first", ready: true, restartCount: 1, state: { terminated: { exitCode: 0, reason: "Completed" } } },
      { name: "second", ready: true, restartCount: 0 },
    ]);
    expect(await inside("init", ["cat", "/w/second"])).toBe("done");
  });

  test("starts sidecars before the containers and ends them after", async () => {
    await create("sidecar", {
      restartPolicy: "Never",
      initContainers: [container({ name: "side", restartPolicy: "Always" })],
      containers: [container({ command: ["true"] })],
    });
    const { status } = await until("sidecar", (each) => {
      expect(each.status?.phase).toBe("Succeeded");
      expect(each.status?.initContainerStatuses?.[0]?.state?.terminated).toBeDefined();
      return each;
    });
    expect(status?.containerStatuses).toMatchObject([{ state: { terminated: { exitCode: 0 } } }]);
  });

  test("restarts a container that was killed behind its back, then waits longer and longer", async () => {
    await create("killed", {});
    await until("killed", isReady);
    const kill = async () => {
      const { containers } = await runtime.list((await get("killed")).metadata.uid);
      await daemon.docker("kill", containers.find(({ state }) => state === "running")?.id ?? "");
    };
    await kill();
    const again = await until("killed", (each) => {
      expect(each.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
      return each;
    });
    expect(again.status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
      exitCode: 137,
      reason: "Error",
    });
    await kill();
    const { metadata } = await until("killed", (each) => {
      expect(each.status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({ reason: "CrashLoopBackOff" });
      return each;
    });
    await vi.waitFor(async () =>
      expect(await events("killed")).toContain(
        `BackOff: Back-off restarting failed container main in pod killed_default(${metadata.uid})`,
      ),
    );
  });

  test("restarts a container whose liveness probe fails, and shows when it is not ready", async () => {
    const atOnce = { periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1 };
    await create("probed", {
      containers: [
        container({
          command: ["httpd", "-f", "-p", "8080", "-h", "/etc"],
          livenessProbe: { exec: { command: ["test", "!", "-e", "/tmp/sick"] }, ...atOnce },
          readinessProbe: { httpGet: { path: "/passwd", port: 8080 }, ...atOnce },
        }),
      ],
    });
    await until("probed", isReady);
    await inside("probed", ["mv", "/etc/passwd", "/etc/gone"]);
    await until("probed", ({ status }) => expect(status?.containerStatuses?.[0]?.ready).toBe(false));
    await inside("probed", ["mv", "/etc/gone", "/etc/passwd"]);
    await until("probed", isReady);
    await inside("probed", ["touch", "/tmp/sick"]);
    await until("probed", ({ status }) =>
      expect(status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true }),
    );
    await told(
      "probed",
      expect.arrayContaining([
        "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404",
        "Killing: Container main failed liveness probe, will be restarted",
      ]),
    );
  });

  test("fills volumes and variables from the API and brings changes into the volume", async () => {
    const key = { namespace: "default", name: "settings" };
    await create("configured", {
      volumes: [
        { name: "settings", configMap: { name: "settings" } },
        { name: "self", downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
      ],
      containers: [
        container({
          env: [
            { name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
            { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
            { name: "BOTH", value: "$(COLOR) at $(IP)" },
          ],
          volumeMounts: [
            { name: "settings", mountPath: "/settings" },
            { name: "self", mountPath: "/self" },
          ],
        }),
      ],
    });
    await vi.waitFor(async () =>
      expect(await events("configured")).toContain(
        'FailedMount: MountVolume.SetUp failed for volume "settings" : configmap "settings" not found',
      ),
    );
    await client.create(configMap, { metadata: key, data: { color: "blue" } });
    const { status } = await until("configured", isReady);
    expect(await inside("configured", ["sh", "-c", "echo $BOTH; cat /self/name"])).toBe(
      `blue at ${status?.podIP}\nconfigured`,
    );
    await client.patch(configMap, key, { type: "merge", document: { data: { color: "red" } } });
    await vi.waitFor(async () => expect(await inside("configured", ["cat", "/settings/color"])).toBe("red"));
  });

  test("shows why an image is not there", async () => {
    await create("noimage", { containers: [container({ image: "127.0.0.1:9/none:1" })] });
    await until("noimage", ({ status }) => {
      expect(status?.phase).toBe("Pending");
      expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("ErrImagePull");
    });
    await until("noimage", ({ status }) => {
      expect(status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({
        reason: "ImagePullBackOff",
        message: expect.stringMatching(/^Back-off pulling image "127.0.0.1:9\/none:1": ErrImagePull: /) as string,
      });
    });
  });

  test("ends a pod gracefully: preStop hook, TERM, then the last status", async () => {
    const hostDirectory = join(daemon.directory, "left");
    await create("polite", {
      terminationGracePeriodSeconds: 60,
      volumes: [{ name: "out", hostPath: { path: hostDirectory, type: "DirectoryOrCreate" } }],
      containers: [
        container({
          command: [
            "sh",
            "-c",
            "trap 'echo term >> /out/log; exit 0' TERM; touch /out/up; while :; do sleep 0.1; done",
          ],
          volumeMounts: [{ name: "out", mountPath: "/out" }],
          lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo stopping >> /out/log"] } } },
        }),
      ],
    });
    await until("polite", isReady);
    await vi.waitFor(() => inside("polite", ["test", "-e", "/out/up"]));
    await client.delete(pod, { namespace: "default", name: "polite" });
    await vi.waitFor(async () => expect((await client.list(pod)).items).toEqual([]), { timeout: limitMs });
    expect(await readFile(join(hostDirectory, "log"), "utf8")).toBe("stopping\nterm\n");
  });

  test("that was restarted goes on with what runs and restarts nothing", async () => {
    await create("adopted", {});
    await until("adopted", isReady);
    const before = await runtime.list();
    const status = (await get("adopted")).status;
    await running[Symbol.asyncDispose]();
    running = await start();
    await running.registered;
    await inside("adopted", ["true"]);
    await client.patch(
      pod,
      { namespace: "default", name: "adopted" },
      { type: "merge", document: { metadata: { labels: { seen: "yes" } } } },
    );
    await until("adopted", ({ metadata }) => expect(metadata.labels?.seen).toBe("yes"));
    expect(await runtime.list()).toEqual(before);
    expect((await get("adopted")).status).toEqual(status);
  });

  test("makes a new sandbox when the old one was killed, and starts everything anew", async () => {
    await create("shaken", {});
    const { status } = await until("shaken", isReady);
    const { sandboxes } = await runtime.list();
    await daemon.docker("kill", sandboxes[0]!.id);
    const after = await until("shaken", (each) => {
      expect(each.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
      return isReady(each);
    });
    expect(after.status?.podIP).not.toBe(status?.podIP);
    await told(
      "shaken",
      expect.arrayContaining(["SandboxChanged: Pod sandbox changed, it will be killed and re-created."]),
    );
  });

  test("goes on when Docker was restarted, and sees what happened meanwhile", async () => {
    await create("steady", {});
    await until("steady", isReady);
    const before = await runtime.list();
    await daemon.restart();
    await daemon.docker("kill", before.containers[0]!.id);
    await until("steady", ({ status }) =>
      expect(status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true }),
    );
    expect((await runtime.list()).sandboxes).toEqual(before.sandboxes);
  });

  test("that was away removes pods that were deleted meanwhile", async () => {
    await create("forgotten", {});
    await until("forgotten", isReady);
    await running[Symbol.asyncDispose]();
    await client.delete(pod, { namespace: "default", name: "forgotten" }, { gracePeriodSeconds: 0 });
    running = await start();
    await vi.waitFor(async () => expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] }), {
      timeout: limitMs,
    });
  });

  test("pulls an image with the credentials of a secret, and shows the refusal without", async () => {
    await using registry = await startRegistry(daemon, { user: "me", password: "secret" });
    const image = `${registry.address}/team/app:1`;
    await create("private", { containers: [container({ image })] });
    await until("private", ({ status }) =>
      expect(status?.containerStatuses?.[0]?.state?.waiting).toMatchObject({ reason: "ErrImagePull" }),
    );
    const login = JSON.stringify({ auths: { [registry.address]: { username: "me", password: "secret" } } });
    await client.create(secret, {
      metadata: { namespace: "default", name: "login" },
      type: "kubernetes.io/dockerconfigjson",
      data: { ".dockerconfigjson": Buffer.from(login).toString("base64") },
    });
    await create("allowed", { containers: [container({ image })], imagePullSecrets: [{ name: "login" }] });
    const { status } = await until("allowed", isReady);
    expect(status?.containerStatuses?.[0]?.imageID).toMatch(/^docker-pullable:\/\/127.0.0.1:\d+\/team\/app@sha256:/);
    await vi.waitFor(async () =>
      expect((await events("allowed"))[1]).toMatch(
        /^Pulled: Successfully pulled image ".*" in [\d.]+m?s \([\d.]+m?s including waiting\). Image size: \d+ bytes.$/,
      ),
    );
    // That the node has it by now opens it to nobody else.
    await create("stranger", { containers: [container({ image, imagePullPolicy: "Never" })] });
    await until("stranger", ({ status: shown }) =>
      expect(shown?.containerStatuses?.[0]?.state?.waiting).toMatchObject({
        reason: "ErrImageNeverPull",
        message: `Container image "${image}" is present with pull policy of Never but does not have the proper credentials to access the image`,
      }),
    );
    await create("another", {
      containers: [container({ image, imagePullPolicy: "IfNotPresent" })],
      imagePullSecrets: [{ name: "login" }, { name: "absent" }],
    });
    await until("another", isReady);
    await told(
      "another",
      expect.arrayContaining([
        `Pulled: Container image "${image}" already present on machine and can be accessed by the pod`,
        "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (absent); attempting to pull the image may not succeed.",
      ]),
    );
  });

  test("ends a pod that outlives its deadline", async () => {
    await create("late", { activeDeadlineSeconds: 1 });
    await until("late", ({ status }) => expect(status).toMatchObject({ phase: "Failed", reason: "DeadlineExceeded" }));
  });
});
