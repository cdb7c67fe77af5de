import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serviceAccount } from "../../src/api/kinds/core/service-account.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openLog } from "../../src/base/log.ts";
import { openClient } from "../../src/client/client.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { openDocker } from "../../src/node/open-docker.ts";
import { runNode } from "../../src/node/run.ts";
import type { ContainerRuntime } from "../../src/node/runtime.ts";
import { type NodeApi, nodeApi } from "../../src/node/serve.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";
import { startDocker, type TestDocker } from "../support/docker.ts";
import { eventually } from "../support/eventually.ts";
import { type Kubectl, kubectlPath, openKubectl } from "../support/kubectl.ts";
import { vethNetwork } from "../support/veth-network.ts";

const log = openLog({
  level: process.env.SKIFF_TEST_LOG ? "debug" : "error",
  write: (line) => process.stderr.write(line),
});
const parts = new AsyncDisposableStack();
let daemon: TestDocker;
let runtime: ContainerRuntime;
let kubectl: Kubectl;
let spdy: Kubectl;

/** The API server reaches the node without a tunnel: a pair of streams in this process. */
function dialerOf(api: () => NodeApi | undefined) {
  return {
    has: (node: string) => node === "m1" && api() !== undefined,
    async open(_node: string, request: { method: string; path: string }, signal = new AbortController().signal) {
      const [stream, theirs] = duplexPair();
      const answer = Promise.withResolvers<{
        status: number;
        headers: Readonly<Record<string, string>>;
        stream: typeof stream;
      }>();
      signal.addEventListener("abort", () => theirs.destroy());
      void api()?.(request, {
        stream: theirs,
        signal,
        respond: (status, headers = {}) => answer.resolve({ status, headers, stream }),
      });
      return answer.promise;
    },
  };
}

beforeAll(async () => {
  daemon = parts.use(await startDocker());
  await daemon.importBusybox();
  runtime = parts.use(await openDocker({ socket: daemon.socket, directory: join(daemon.directory, "bin"), log }));
  let api: NodeApi | undefined;
  const server: ApiServer = parts.use(await startApiServer({ nodes: dialerOf(() => api), log }));
  const client = openClient(
    server.transportFor({
      name: "system:node:m1",
      uid: "",
      groups: ["system:nodes", "system:authenticated", "system:masters"],
      extra: {},
    }),
    { fieldManager: "kubelet" },
  );
  await client.create(serviceAccount, { metadata: { namespace: "default", name: "default" } });
  const informers = parts.use(openInformers(client, { clock: systemClock, log }));
  const network = parts.use(vethNetwork("10.199.8"));
  const rootDirectory = join(daemon.directory, "node");
  const node = parts.use(
    await runNode({
      client,
      informers,
      runtime,
      network,
      clock: systemClock,
      log,
      nodeName: "m1",
      nodeIps: ["127.0.0.1"],
      dns: { clusterDns: ["10.43.0.10"], clusterDomain: "cluster.local" },
      rootDirectory,
      memoryDirectory: join(daemon.directory, "run"),
      driverDirectory: join(daemon.directory, "kubelet"),
      version: "v1.36.0",
    }),
  );
  api = nodeApi({ node, runtime, clock: systemClock, rootDirectory });
  await node.registered;
  const kubeconfig = join(daemon.directory, "kubeconfig");
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "t",
      clusters: [{ name: "t", cluster: { server: server.url, "insecure-skip-tls-verify": true } }],
      users: [{ name: "t", user: { token: adminToken.token } }],
      contexts: [{ name: "t", context: { cluster: "t", user: "t" } }],
    }),
  );
  kubectl = await openKubectl(kubeconfig);
  spdy = await openKubectl(kubeconfig, { spdy: true });
});
afterAll(() => parts[Symbol.asyncDispose]());

const podManifest = (
  name: string,
  more = "",
  command = '["sh", "-c", "echo started; exec httpd -f -p 8080 -h /etc"]',
) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  nodeName: m1
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  ${more}
  containers:
  - { name: main, image: "busybox:1", command: ${command} }
`;
const create = (manifest: string) => kubectl.must(["create", "--validate=false", "-f", "-"], { input: manifest });
const status = async (name: string) => (await kubectl.json(["get", "pod", name])).status;
const ready = (name: string) => kubectl.must(["wait", "--for=condition=Ready", `pod/${name}`, "--timeout=150s"]);

/** Asks a web server in a pod through `kubectl port-forward`. */
async function forwarded(name: string, port: number, path: string): Promise<string> {
  const environment = { ...process.env, KUBECONFIG: join(daemon.directory, "kubeconfig") };
  const child = spawn(await kubectlPath(), ["port-forward", `pod/${name}`, `:${port}`], { env: environment });
  try {
    const said = await new Promise<string>((done) =>
      child.stdout.once("data", (data: Buffer) => done(data.toString())),
    );
    const local = /127\.0\.0\.1:(\d+)/.exec(said)?.[1];
    return await (await fetch(`http://127.0.0.1:${local}${path}`)).text();
  } finally {
    child.kill();
  }
}

describe("a node and an API server, seen through kubectl", () => {
  test("show the node", async () => {
    const { status } = await kubectl.json(["get", "node", "m1"]);
    expect(status.nodeInfo.kubeletVersion).toBe("v1.36.0");
    expect((await kubectl.must(["describe", "node", "m1"])).toString()).toContain("KubeletReady");
    await eventually(async () =>
      expect((await kubectl.json(["get", "lease", "m1", "-n", "kube-node-lease"])).spec.holderIdentity).toBe("m1"),
    );
  });

  test("gives pods what somebody advertises of it, and no longer when that is taken back", async () => {
    const given = (amount: string | null) =>
      kubectl.must([
        "patch",
        "node",
        "m1",
        "--subresource=status",
        "--type=merge",
        "-p",
        JSON.stringify({ status: { capacity: { "example.com/dongle": amount } } }),
      ]);
    const allocatable = () =>
      kubectl.must(["get", "node", "m1", "-o", String.raw`jsonpath={.status.allocatable.example\.com/dongle}`]);
    await given("4");
    await eventually(async () => expect(await allocatable()).toBe("4"));
    await given(null);
    await eventually(async () => expect(await allocatable()).toBe(""));
  });

  test("run a pod with its logs, commands, copies and ports, over both protocols", async () => {
    await create(podManifest("web"));
    await ready("web");
    expect(await status("web")).toMatchObject({
      phase: "Running",
      containerStatuses: [{ ready: true, restartCount: 0 }],
    });
    await eventually(async () => expect(await kubectl.must(["logs", "web"])).toBe("started\n"));
    expect(await kubectl.must(["logs", "web", "--timestamps", "--tail=1"])).toMatch(/^\d{4}-.*Z started\n$/);
    for (const client of [kubectl, spdy]) {
      expect(await client.must(["exec", "web", "--", "echo", "hi"])).toBe("hi\n");
      expect(await client.must(["exec", "-i", "web", "--", "cat"], { input: "through" })).toBe("through");
      expect((await client.run(["exec", "web", "--", "sh", "-c", "exit 7"])).code).toBe(7);
    }
    const file = join(daemon.directory, "copied");
    await writeFile(file, "copy me");
    await kubectl.must(["cp", file, "web:/tmp/copied"]);
    expect(await kubectl.must(["exec", "web", "--", "cat", "/tmp/copied"])).toBe("copy me");
    await eventually(async () => expect(await forwarded("web", 8080, "/passwd")).toContain("root:x:0:0"));
    await kubectl.must(["delete", "pod", "web"]);
    await eventually(async () => expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] }));
  });

  test("run a pod that one talks to, and remove it at the end", async () => {
    const overrides = JSON.stringify({ spec: { nodeName: "m1", automountServiceAccountToken: false } });
    const options = [
      "--image=busybox:1",
      "--restart=Never",
      `--overrides=${overrides}`,
      "-i",
      "--rm",
      "--quiet",
      "--pod-running-timeout=3m",
    ];
    const said = await kubectl.must(
      ["run", "talk", ...options, "--command", "--", "sh", "-c", "read line; echo heard $line"],
      {
        input: "me\n",
      },
    );
    expect(said).toContain("heard me");
    await eventually(async () => expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] }));
  });

  test("restart what fails, and say so", async () => {
    await create(podManifest("crash", "restartPolicy: Always", '["sh", "-c", "echo dying; exit 3"]'));
    await eventually(async () =>
      expect((await status("crash")).containerStatuses).toMatchObject([
        {
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated: { exitCode: 3, reason: "Error" } },
        },
      ]),
    );
    await eventually(async () => expect(await kubectl.must(["logs", "crash", "--previous"])).toBe("dying\n"));
    await kubectl.must(["delete", "pod", "crash", "--force", "--grace-period=0"]);
    await eventually(async () => expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] }));
  });

  test("give a pod a token with which it can ask who it is", async () => {
    await create(podManifest("named").replace("automountServiceAccountToken: false", ""));
    // Nobody here publishes the cluster's CA, so the volume waits for it, and says so.
    await eventually(async () =>
      expect(JSON.stringify(await kubectl.json(["get", "events"]))).toContain('configmap \\"kube-root-ca.crt'),
    );
    await kubectl.must(["create", "configmap", "kube-root-ca.crt", "--from-literal=ca.crt=none"]);
    await ready("named");
    const token = await kubectl.must([
      "exec",
      "named",
      "--",
      "cat",
      "/var/run/secrets/kubernetes.io/serviceaccount/token",
    ]);
    const { sub, "kubernetes.io": claims } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    expect(sub).toBe("system:serviceaccount:default:default");
    expect(claims.pod.name).toBe("named");
    await kubectl.must(["delete", "pod", "named"]);
  });
});
