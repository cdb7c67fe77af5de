import { beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Container, Pod, PodSpec, Probe } from "../../src/api/schema/types.ts";
import { openApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { aPod, main, sh } from "../support/pods.ts";

// How containers begin, what they are told, and how they end, each with a real one. Pods are made at once; each test looks at
// its own.
const on = journey("containers", ["busybox:1"]);
const { kubectl, json, apply, ready } = on;

const once = (name: string, container: Partial<Container>, spec: Partial<PodSpec> = {}) =>
  aPod(name, { restartPolicy: "Never", containers: [main(container)], ...spec });
const says = (script: string): Partial<Container> => ({ command: ["sh", "-c", script] });
const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const amount = (name: string, resource: string) => ({ name, valueFrom: { resourceFieldRef: { resource } } });
const config = (name: string, data: object, kind = "ConfigMap") => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  ...(kind === "Secret" ? { stringData: data } : { data }),
});

const podNamed = (name: string): Promise<Pod> => json("get", "pod", name);
const containerOf = async (name: string) => (await podNamed(name)).status?.containerStatuses?.[0];
/** The status of a pod that has run to its end. */
const ended = (name: string) =>
  eventually(async () => {
    const { status } = await podNamed(name);
    if (!["Succeeded", "Failed"].includes(status?.phase ?? "")) throw new Error(`${name} is ${JSON.stringify(status)}`);
    return status;
  });

const rows: readonly [name: string, container: Partial<Container>, said: string | RegExp, spec?: Partial<PodSpec>][] = [
  ["image-default", { image: "entry:1", command: [] }, "entry default\n"],
  ["image-args", { image: "entry:1", command: [], args: ["mine"] }, "entry mine\n"],
  ["image-command", { image: "entry:1", command: ["echo", "mine"] }, "mine\n"],
  ["image-both", { image: "entry:1", command: ["echo"], args: ["both"] }, "both\n"],
  [
    "composed",
    {
      ...says('echo "$ALL|$ESCAPED|$LATER"'),
      env: [
        { name: "ONE", value: "1" },
        { name: "ALL", value: "$(ONE);;$(ONE)2" },
        { name: "ESCAPED", value: "$$(ONE)" },
        { name: "LATER", value: "$(NOT_YET)" },
        { name: "NOT_YET", value: "2" },
      ],
    },
    "1;;12|$(ONE)|$(NOT_YET)\n",
  ],
  [
    "in-arguments",
    { command: ["echo", "$(WORD)"], args: ["$(WORD)s", "$(NONE)"], env: [{ name: "WORD", value: "word" }] },
    "word words $(NONE)\n",
  ],
  [
    "prefixed",
    {
      command: ["env"],
      envFrom: [
        { prefix: "p_c-", configMapRef: { name: "keys" } },
        { prefix: "p_s.", secretRef: { name: "hidden-keys" } },
        { prefix: "p_", configMapRef: { name: "absent", optional: true } },
      ],
    },
    /^p_c--2=two\np_c-\.dot=dot\np_c-a=one\np_s\.1=first\np_s\.word=xyzzy$/m,
  ],
  [
    "chosen",
    {
      ...says('echo "$A $B [$C]"'),
      env: [
        { name: "A", valueFrom: { configMapKeyRef: { name: "keys", key: "a" } } },
        { name: "B", valueFrom: { secretKeyRef: { name: "hidden-keys", key: "word" } } },
        { name: "C", valueFrom: { configMapKeyRef: { name: "keys", key: "none", optional: true } } },
      ],
    },
    "one xyzzy []\n",
  ],
  [
    "its-resources",
    {
      ...says('echo "$A $B $C $D"'),
      resources: { requests: { cpu: "250m", memory: "32Mi" }, limits: { cpu: "1250m", memory: "64Mi" } },
      env: [
        amount("A", "requests.cpu"),
        amount("B", "limits.cpu"),
        amount("C", "requests.memory"),
        amount("D", "limits.memory"),
      ],
    },
    "1 2 33554432 67108864\n",
  ],
  [
    "its-place",
    {
      ...says('echo "$NAME $SPACE $LABEL $NODE $ACCOUNT"'),
      env: [
        field("NAME", "metadata.name"),
        field("SPACE", "metadata.namespace"),
        field("LABEL", "metadata.labels['made']"),
        field("NODE", "spec.nodeName"),
        field("ACCOUNT", "spec.serviceAccountName"),
      ],
    },
    "its-place default once containers default\n",
  ],
  [
    "services",
    // Its node may hear of the pod before it hears of the Service: it tells those that begin then.
    says("env | grep ^FOO_SERVICE >/tmp/told && sort /tmp/told"),
    /^FOO_SERVICE_HOST=10\.43\.\d+\.\d+\nFOO_SERVICE_PORT=8765\nFOO_SERVICE_PORT_WEB=8765\n$/,
    { restartPolicy: "OnFailure" },
  ],
  ["managed-hosts", says("head -1 /etc/hosts"), "# Kubernetes-managed hosts file.\n"],
  [
    "hosts-of-the-node",
    says("head -1 /etc/hosts"),
    "# Kubernetes-managed hosts file (host network).\n",
    { hostNetwork: true },
  ],
  [
    "hosts-of-its-own",
    { ...says("cat /etc/hosts"), volumeMounts: [{ name: "own", mountPath: "/etc/hosts", subPath: "hosts" }] },
    "192.0.2.1 own\n",
    { volumes: [{ name: "own", configMap: { name: "own-hosts" } }] },
  ],
  [
    "writable",
    { ...says("echo x >/file && echo written"), securityContext: { readOnlyRootFilesystem: false } },
    "written\n",
  ],
  [
    "unprivileged",
    { ...says("ip link add dummy0 type dummy 2>&1 || echo refused"), securityContext: { privileged: false } },
    /refused\n$/,
  ],
  [
    "strict-groups",
    says("id -G"),
    "3000 4000\n",
    {
      securityContext: {
        runAsUser: 33,
        runAsGroup: 3000,
        supplementalGroups: [4000],
        supplementalGroupsPolicy: "Strict",
      },
    },
  ],
  [
    "together",
    {},
    "seen\n",
    {
      shareProcessNamespace: true,
      containers: [
        main(says("until ps | grep -q '[s]leep 36000'; do sleep 0.1; done; echo seen; killall sleep")),
        main({ name: "other", command: ["sleep", "36000"] }),
      ],
    },
  ],
];

describe("what a container is told, and what it says", () => {
  beforeAll(async () => {
    const docker = "docker -H unix:///run/docker.sock";
    await on.machine.must("sh", [
      "-c",
      `id=$(${docker} create busybox:1 true) && ${docker} commit --change 'ENTRYPOINT ["echo","entry"]' --change 'CMD ["default"]' $id entry:1 && ${docker} rm $id`,
    ]);
    await apply(
      config("keys", { a: "one", "-2": "two", ".dot": "dot" }),
      config("hidden-keys", { word: "xyzzy", "1": "first" }, "Secret"),
      config("own-hosts", { hosts: "192.0.2.1 own\n" }),
      { apiVersion: "v1", kind: "Service", metadata: { name: "foo" }, spec: { ports: [{ name: "web", port: 8765 }] } },
    );
    await apply(
      ...rows.map(([name, container, , spec]) => {
        const pod = once(name, container, spec);
        return { ...pod, metadata: { ...pod.metadata, labels: { made: "once" } } };
      }),
    );
  });

  test.each(rows)("%s", async (name, _, said) => {
    await ended(name);
    const output = await kubectl("logs", name, "-c", "main");
    if (typeof said === "string") expect(output).toBe(said);
    else expect(output).toMatch(said);
  });

  test("the node's resources where it has no limit of its own, and every address", async () => {
    const env = [
      amount("CPU", "limits.cpu"),
      amount("MEMORY", "limits.memory"),
      field("IPS", "status.podIPs"),
      field("HOSTS", "status.hostIPs"),
    ];
    await apply(once("unlimited", { ...says('echo "$CPU $MEMORY $IPS $HOSTS"'), env }));
    const status = await ended("unlimited");
    const { allocatable } = (await json("get", "node", "containers")).status;
    const ips = (list: readonly { ip?: string }[] = []) => list.map(({ ip }) => ip).join(",");
    expect(await kubectl("logs", "unlimited")).toBe(
      `${Math.ceil(Number(allocatable.cpu))} ${Number.parseInt(allocatable.memory, 10) * 1024} ${ips(status?.podIPs)} ${ips(status?.hostIPs)}\n`,
    );
  });

  test("its logs come over WebSocket too", async () => {
    const { server, tls } = openApi(on.cluster.kubeconfig);
    const url = `${server.replace("https", "wss")}/api/v1/namespaces/default/pods/composed/log?container=main`;
    const socket = new WebSocket(url, ["binary.k8s.io"], tls);
    const parts: Buffer[] = [];
    socket.on("message", (data) => parts.push(data as Buffer));
    await new Promise((closed, failed) => socket.once("close", closed).once("error", failed));
    expect(Buffer.concat(parts).toString()).toBe(await kubectl("logs", "composed"));
  });
});

describe("how a container ends", () => {
  const fail: Container = sh("exit 1", { name: "fail" });
  const fine: Container = sh("true", { name: "fine" });
  const served = "mkdir -p /w && touch /w/health && exec httpd -f -p 80 -h /w";
  // One failure counts, and a slow machine is none.
  const probe = (over: Probe): Probe => ({ periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 30, ...over });
  const http = (path: string): Probe => probe({ httpGet: { path, port: 80 } });
  const file = (path: string): Probe => probe({ exec: { command: ["cat", path] } });
  const tcp = (port: number): Probe => probe({ tcpSocket: { port } });
  const living = (check: Probe) => ({ startupProbe: { ...check, failureThreshold: 60 }, livenessProbe: check });
  const alive: [string, Partial<Container>][] = [
    ["http-alive", { ...says(served), ...living(http("/health")) }],
    ["exec-alive", { ...says("touch /tmp/health; sleep 3600"), ...living(file("/tmp/health")) }],
    ["tcp-alive", { ...says(served), ...living(tcp(80)) }],
    ["never-ready", { readinessProbe: file("/none") }],
  ];
  const dead: [string, Partial<Container>, RegExp][] = [
    [
      "http-dead",
      { ...says(served), ...living(http("/health")), livenessProbe: http("/none") },
      /Liveness probe failed: HTTP probe failed with statuscode: 404/,
    ],
    ["exec-dead", { livenessProbe: file("/none") }, /Liveness probe failed: cat: can't open '\/none'/],
    ["tcp-dead", { livenessProbe: tcp(81) }, /Liveness probe failed: dial tcp \S+:81: connect: connection refused/],
    ["never-started", { startupProbe: file("/none") }, /Startup probe failed: cat: can't open '\/none'/],
  ];
  beforeAll(() =>
    apply(
      ...alive.map(([name, container]) => aPod(name, { containers: [main(container)] })),
      ...dead.map(([name, container]) => aPod(name, { containers: [main(container)] })),
      aPod("later", {
        containers: [
          main({
            readinessProbe: {
              exec: { command: ["true"] },
              initialDelaySeconds: 5,
              periodSeconds: 1,
              timeoutSeconds: 30,
            },
          }),
        ],
      }),
      aPod("always-ends", { containers: [sh("exit 0")] }),
      aPod("in-the-end", {
        restartPolicy: "OnFailure",
        volumes: [{ name: "v", emptyDir: {} }],
        containers: [
          sh("test -e /v/again && exit 0; touch /v/again; exit 1", { volumeMounts: [{ name: "v", mountPath: "/v" }] }),
        ],
      }),
      aPod("fails", { restartPolicy: "Never", containers: [sh("exit 3")] }),
      aPod("begun", {
        restartPolicy: "Never",
        initContainers: [fine, { ...fine, name: "fine-too" }],
        containers: [sh("true")],
      }),
      aPod("not-begun", { restartPolicy: "Never", initContainers: [fine, fail], containers: [main()] }),
      aPod("begins-again", { initContainers: [fail, fine], containers: [main()] }),
      aPod("rules", {
        restartPolicy: "Never",
        containers: [
          sh("test -e /v/again && exit 7; touch /v/again; exit 42", {
            restartPolicy: "Never",
            restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
            volumeMounts: [{ name: "v", mountPath: "/v" }],
          }),
        ],
        volumes: [{ name: "v", emptyDir: {} }],
      }),
      aPod("heard", {
        containers: [
          sh("touch /tmp/after-start /tmp/before-end; exec httpd -f -vv -p 80 -h /tmp", {
            readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1, timeoutSeconds: 30 },
          }),
        ],
      }),
    ),
  );

  test.each<[string, { phase: string; restarts?: number; exitCode?: number }]>([
    ["in-the-end", { phase: "Succeeded", restarts: 1, exitCode: 0 }],
    ["fails", { phase: "Failed", restarts: 0, exitCode: 3 }],
    ["begun", { phase: "Succeeded", restarts: 0, exitCode: 0 }],
    ["not-begun", { phase: "Failed", restarts: 0 }],
    ["rules", { phase: "Failed", restarts: 1, exitCode: 7 }],
  ])("%s: as its restart policy says", async (name, { phase, restarts, exitCode }) => {
    const status = await ended(name);
    const [container] = status?.containerStatuses ?? [];
    expect([status?.phase, container?.restartCount, container?.state?.terminated?.exitCode]).toEqual([
      phase,
      restarts,
      exitCode,
    ]);
  });

  test("one that ends well is started again when it should always run", () =>
    eventually(async () => {
      const status = await containerOf("always-ends");
      expect(status?.restartCount).toBeGreaterThan(0);
      expect(status?.lastState?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
    }));

  test("an init container that fails keeps the others from starting, and says so", async () => {
    const begun = await ended("begun");
    expect(begun?.initContainerStatuses?.map(({ ready: is, state }) => [is, state?.terminated?.reason])).toEqual([
      [true, "Completed"],
      [true, "Completed"],
    ]);
    const notBegun = await ended("not-begun");
    expect(notBegun?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("PodInitializing");
    expect(notBegun?.conditions).toContainEqual(
      expect.objectContaining({
        type: "Initialized",
        status: "False",
        reason: "ContainersNotInitialized",
        message: "containers with incomplete status: [fail]",
      }),
    );
    await eventually(async () => {
      const { status } = await podNamed("begins-again");
      expect(status?.phase).toBe("Pending");
      expect(status?.initContainerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
      expect(status?.initContainerStatuses?.[1]?.state?.waiting?.reason).toBe("PodInitializing");
      expect(status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe("PodInitializing");
    });
  });

  test.each(dead)("%s: is restarted, and says why", async (name, _, why) => {
    await eventually(async () => {
      expect((await containerOf(name))?.restartCount).toBeGreaterThan(0);
      const events = await kubectl("events", "--for", `pod/${name}`);
      expect(events).toMatch(why);
      expect(events).toMatch(/Killing .*Container main failed (liveness|startup) probe, will be restarted/);
    });
  });

  test.each(alive)("%s: goes on running", async (name) => {
    await eventually(async () => {
      const status = await containerOf(name);
      expect([status?.started, status?.ready, status?.restartCount]).toEqual([true, name !== "never-ready", 0]);
    });
  });

  test("is not ready before its probe may begin", async () => {
    await ready("later");
    const { status } = await podNamed("later");
    const since = Date.parse(status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime ?? "");
    const started = Date.parse(status?.containerStatuses?.[0]?.state?.running?.startedAt ?? "");
    expect(since - started).toBeGreaterThanOrEqual(5000);
    expect(status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test("hooks ask over HTTP, after the start and before the end", async () => {
    await ready("heard");
    const host = (await podNamed("heard")).status?.podIP ?? "";
    const hook = (path: string) => ({ httpGet: { host, path, port: 80 } });
    const lifecycle = { postStart: hook("/after-start"), preStop: hook("/before-end") };
    const ends = sh("trap 'exit 0' TERM; sleep 3600 & wait", { lifecycle });
    await apply(aPod("asks", { terminationGracePeriodSeconds: 60, containers: [ends] }));
    await ready("asks");
    await eventually(async () => expect(await kubectl("logs", "heard")).toContain("/after-start"));
    await kubectl("delete", "pod", "asks");
    await eventually(async () => expect(await kubectl("logs", "heard")).toContain("/before-end"));
  });
});
