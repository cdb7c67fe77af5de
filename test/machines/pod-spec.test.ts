import { existsSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Container, PodSpec } from "../../src/api/schema/types.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { aPod, main, sh } from "../support/pods.ts";

// What a pod's spec promises, each with a real container. All pods are made at once; each test looks at its own.
const on = journey("pod-spec", ["busybox:1"]);
const { kubectl, json, fails, apply, ready } = on;

/** A pod that runs a script to its end. */
const once = (name: string, script: string, spec: Partial<PodSpec> = {}, over: Partial<Container> = {}) =>
  aPod(name, { restartPolicy: "Never", containers: [sh(script, over)], ...spec });

const exec = (pod: string, script: string, container = "main") =>
  kubectl("exec", pod, "-c", container, "--", "sh", "-c", script);
const containerOf = async (pod: string) => (await json("get", "pod", pod)).status.containerStatuses[0];
/** What a pod wrote that has run to its end. */
async function said(pod: string): Promise<string> {
  await eventually(async () => {
    const { status } = await json("get", "pod", pod);
    if (!["Succeeded", "Failed"].includes(status.phase)) throw new Error(`${pod} is ${JSON.stringify(status)}`);
  });
  return kubectl("logs", pod);
}
const waiting = (pod: string, expected: object) =>
  eventually(async () => expect((await containerOf(pod)).state.waiting).toMatchObject(expected));
const events = (pod: string) => kubectl("events", "--for", `pod/${pod}`);
const volume = (name: string, source: object) => ({ name, ...source });
const mount = (name: string, mountPath: string, more: object = {}) => ({ name, mountPath, ...more });

describe("security", () => {
  beforeAll(() =>
    apply(
      once("users", "id -u; id -g; id -G", {
        securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000, supplementalGroups: [4000] },
      }),
      once(
        "own-user",
        "id -u; id -g",
        { securityContext: { runAsUser: 1000 } },
        {
          securityContext: { runAsUser: 65534, runAsGroup: 65534 },
        },
      ),
      aPod("not-root", { securityContext: { runAsNonRoot: true } }),
      aPod("no-root", { containers: [main({ securityContext: { runAsNonRoot: true, runAsUser: 0 } })] }),
      once(
        "read-only",
        "touch /file 2>&1; touch /tmp/file && echo volume",
        {
          volumes: [volume("tmp", { emptyDir: {} })],
        },
        { securityContext: { readOnlyRootFilesystem: true }, volumeMounts: [mount("tmp", "/tmp")] },
      ),
      once(
        "no-more",
        "grep NoNewPrivs /proc/self/status",
        {},
        { securityContext: { allowPrivilegeEscalation: false } },
      ),
      once("few", "grep CapEff /proc/self/status", {}, { securityContext: { capabilities: { drop: ["ALL"] } } }),
      once("sysctl", "cat /proc/sys/kernel/shm_rmid_forced", {
        securityContext: { sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }] },
      }),
      aPod("unsafe", { securityContext: { sysctls: [{ name: "kernel.msgmax", value: "65536" }] } }),
    ),
  );

  test("users and groups, of the pod and of the container", async () => {
    expect(await said("users")).toBe("1000\n3000\n3000 2000 4000\n");
    expect(await said("own-user")).toBe("65534\n65534\n");
  });

  test("runAsNonRoot refuses an image that runs as root, and user 0", async () => {
    await waiting("not-root", {
      reason: "CreateContainerConfigError",
      message: expect.stringMatching(
        /^container has runAsNonRoot and image will run as root \(pod: "not-root_default\(/,
      ),
    });
    await waiting("no-root", {
      message: expect.stringMatching(/^container's runAsUser breaks non-root policy \(pod: "no-root_default\(/),
    });
  });

  test("a root file system that is read-only, with a volume that is not", async () => {
    expect(await said("read-only")).toMatch(/Read-only file system\nvolume\n/);
  });

  test("no further privileges, no capabilities", async () => {
    expect(await said("no-more")).toMatch(/NoNewPrivs:\s+1/);
    expect(await said("few")).toMatch(/CapEff:\s+0000000000000000/);
  });

  test("safe sysctls are set, unsafe ones make the node reject the pod", async () => {
    expect(await said("sysctl")).toBe("1\n");
    await eventually(async () =>
      expect((await json("get", "pod", "unsafe")).status).toMatchObject({
        phase: "Failed",
        reason: "SysctlForbidden",
        message: 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
      }),
    );
  });
});

describe("volumes", () => {
  beforeAll(async () => {
    await kubectl("create", "configmap", "settings", "--from-literal=colour=blue", "--from-literal=size=9");
    await kubectl("create", "secret", "generic", "hidden", "--from-literal=word=xyzzy");
    await on.machine.must("sh", [
      "-c",
      "mkdir -p /run/share/local && echo file >/run/share/file && chmod 777 /run/share/local",
    ]);
    await apply(
      once(
        "sub-path",
        "cat /a/one /b/two; cat /colour",
        {
          volumes: [volume("v", { emptyDir: {} }), volume("s", { configMap: { name: "settings" } })],
          initContainers: [
            sh("mkdir -p /v/x /v/pod-$POD; echo 1 >/v/x/one; echo 2 >/v/pod-$POD/two", {
              name: "fill",
              env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
              volumeMounts: [mount("v", "/v")],
            }),
          ],
        },
        {
          env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
          volumeMounts: [
            mount("v", "/a", { subPath: "x" }),
            mount("v", "/b", { subPathExpr: "pod-$(POD)" }),
            mount("s", "/colour", { subPath: "colour" }),
          ],
        },
      ),
      aPod("bad-sub-path", {
        volumes: [volume("v", { emptyDir: {} })],
        containers: [
          main({
            env: [{ name: "WHERE", value: "/tmp" }],
            volumeMounts: [mount("v", "/v", { subPathExpr: "$(WHERE)" })],
          }),
        ],
      }),
      aPod(
        "mended-sub-path",
        {
          volumes: [volume("v", { emptyDir: {} })],
          containers: [
            main({
              env: [{ name: "WHERE", valueFrom: { fieldRef: { fieldPath: "metadata.annotations['where']" } } }],
              volumeMounts: [mount("v", "/v", { subPathExpr: "$(WHERE)/here" })],
            }),
          ],
        },
        { annotations: { where: "/absolute" } },
      ),
      aPod("memory", {
        volumes: [volume("m", { emptyDir: { medium: "Memory", sizeLimit: "8Mi" } })],
        containers: [main({ volumeMounts: [mount("m", "/m")] })],
      }),
      once(
        "from-image",
        "ls /i/bin/busybox; touch /i/file 2>&1; head -1 /passwd",
        {
          volumes: [volume("i", { image: { reference: "busybox:1", pullPolicy: "IfNotPresent" } })],
        },
        { volumeMounts: [mount("i", "/i"), mount("i", "/passwd", { subPath: "etc/passwd" })] },
      ),
      once(
        "modes",
        "stat -c '%a %g' /v /sub; touch /v/file; stat -c '%g' /v/file; id -G",
        {
          securityContext: { fsGroup: 2000, runAsUser: 1000 },
          volumes: [volume("v", { emptyDir: {} })],
        },
        { volumeMounts: [mount("v", "/v"), mount("v", "/sub", { subPath: "not/there" })] },
      ),
      once(
        "projected",
        "cd /p; cat colour inside/word name; ls token; stat -Lc %a inside/word; cat limit",
        {
          volumes: [
            volume("p", {
              projected: {
                sources: [
                  { configMap: { name: "settings", items: [{ key: "colour", path: "colour" }] } },
                  { secret: { name: "hidden", items: [{ key: "word", path: "inside/word", mode: 0o400 }] } },
                  {
                    downwardAPI: {
                      items: [
                        { path: "name", fieldRef: { fieldPath: "metadata.name" } },
                        { path: "limit", resourceFieldRef: { containerName: "main", resource: "limits.memory" } },
                      ],
                    },
                  },
                  { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
                ],
              },
            }),
          ],
        },
        { volumeMounts: [mount("p", "/p")], resources: { limits: { memory: "32Mi" } } },
      ),
      once(
        "optional",
        "ls -A /o | grep -v '^\\.\\.' | wc -l",
        {
          volumes: [volume("o", { configMap: { name: "absent", optional: true } })],
        },
        { volumeMounts: [mount("o", "/o")] },
      ),
      ...(
        [
          ["directory", "/run/share", "Directory"],
          ["made", "/run/made/by/skiff", "DirectoryOrCreate"],
          ["file", "/run/share/file", "File"],
          ["made-file", "/run/share/new", "FileOrCreate"],
          ["socket", "/run/docker.sock", "Socket"],
          ["device", "/dev/null", "CharDevice"],
        ] as const
      ).map(([name, path, type]) =>
        once(
          `host-${name}`,
          "[ -e /h ] && echo there",
          { volumes: [volume("h", { hostPath: { path, type } })] },
          {
            volumeMounts: [mount("h", "/h")],
          },
        ),
      ),
      aPod("host-wrong", {
        volumes: [volume("h", { hostPath: { path: "/run/share/file", type: "Directory" } })],
        containers: [main({ volumeMounts: [mount("h", "/h")] })],
      }),
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "local" },
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce"],
          storageClassName: "by-hand",
          persistentVolumeReclaimPolicy: "Retain",
          local: { path: "/run/share/local" },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "Exists" }] }],
            },
          },
        },
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "claim" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "by-hand",
          volumeName: "local",
          resources: { requests: { storage: "1Gi" } },
        },
      },
      once(
        "claimed",
        "echo kept >/c/file",
        { volumes: [volume("c", { persistentVolumeClaim: { claimName: "claim" } })] },
        {
          volumeMounts: [mount("c", "/c")],
        },
      ),
    );
  });

  test("subPath and subPathExpr lead inside a volume, and not outside of it", async () => {
    expect(await said("sub-path")).toBe("1\n2\nblue");
    await waiting("bad-sub-path", {
      reason: "CreateContainerConfigError",
      message: "error SubPath `/tmp` must not be an absolute path",
    });
    await waiting("mended-sub-path", { reason: "CreateContainerConfigError" });
    await kubectl("annotate", "pod", "mended-sub-path", "--overwrite", "where=relative");
    await ready("mended-sub-path");
    await exec("mended-sub-path", "touch /v/file");
  });

  test("an emptyDir in memory is as large as its limit", async () => {
    await ready("memory");
    expect(await exec("memory", "df -k /m | tail -1")).toMatch(/^tmpfs +8192 /);
  });

  test("an image as a volume, which nobody writes to", async () => {
    expect(await said("from-image")).toMatch(/^\/i\/bin\/busybox\n.*Read-only file system\nroot:x:0:0/);
  });

  test("a volume belongs to the pod's group, and so does a directory that is made in it for a subPath", async () => {
    expect(await said("modes")).toMatch(/^2777 2000\n2777 2000\n2000\n0 2000\n$/);
  });

  test("one directory from ConfigMap, Secret, downward API and token", async () => {
    expect(await said("projected")).toBe("bluexyzzyprojectedtoken\n400\n33554432");
    expect(await said("optional")).toBe("0\n");
  });

  test("every sort of hostPath, and what is not of its sort", async () => {
    for (const name of ["directory", "made", "file", "made-file", "socket", "device"])
      expect(await said(`host-${name}`)).toBe("there\n");
    await eventually(async () =>
      expect(await events("host-wrong")).toMatch(
        /Warning +FailedMount .*MountVolume.SetUp failed for volume "h" : hostPath type check failed: \/run\/share\/file is not a directory/,
      ),
    );
  });

  test("a claim that is bound to a local volume", async () => {
    await said("claimed");
    expect(await on.machine.must("cat", ["/run/share/local/file"])).toBe("kept\n");
  });
});

describe("a container's life", () => {
  beforeAll(() =>
    apply(
      aPod("post-start-fails", {
        containers: [main({ lifecycle: { postStart: { exec: { command: ["sh", "-c", "echo why; exit 3"] } } } })],
      }),
      aPod("hooks", {
        terminationGracePeriodSeconds: 60,
        volumes: [volume("h", { hostPath: { path: "/run/hooks", type: "DirectoryOrCreate" } })],
        containers: [
          sh("trap 'echo term >>/h/log; exit 0' TERM; touch /tmp/up; sleep 3600 & wait", {
            volumeMounts: [mount("h", "/h")],
            lifecycle: {
              // The container has not got far when its hook begins.
              postStart: {
                exec: { command: ["sh", "-c", "until test -e /tmp/up; do sleep 0.1; done; echo post >/h/log"] },
              },
              preStop: { exec: { command: ["sh", "-c", "echo pre >>/h/log"] } },
            },
          }),
        ],
      }),
      aPod("sleeps", {
        containers: [main({ lifecycle: { preStop: { sleep: { seconds: 1 } } } })],
        terminationGracePeriodSeconds: 2,
      }),
      once(
        "words",
        "echo -n goodbye >/tmp/last; exit 1",
        { securityContext: { runAsUser: 1000 } },
        {
          terminationMessagePath: "/tmp/last",
        },
      ),
      once("log-words", "echo from the log; exit 1", {}, { terminationMessagePolicy: "FallbackToLogsOnError" }),
      once("no-words", "echo from the log; exit 0", {}, { terminationMessagePolicy: "FallbackToLogsOnError" }),
      aPod("restarts", { containers: [sh("exit 2")] }),
      aPod("deadline", { activeDeadlineSeconds: 1, restartPolicy: "Never" }),
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "with-sidecar" },
        spec: {
          template: {
            spec: {
              restartPolicy: "Never",
              terminationGracePeriodSeconds: 60,
              volumes: [volume("l", { hostPath: { path: "/run/order", type: "DirectoryOrCreate" } })],
              initContainers: ["first", "second"].map((name) =>
                sh(
                  `trap 'echo end ${name} >>/l/log; exit 0' TERM; echo ${name} >>/l/log; while :; do sleep 0.1; done`,
                  {
                    name,
                    restartPolicy: "Always",
                    volumeMounts: [mount("l", "/l")],
                    startupProbe: {
                      exec: { command: ["grep", name, "/l/log"] },
                      periodSeconds: 1,
                      timeoutSeconds: 30,
                      failureThreshold: 60,
                    },
                  },
                ),
              ),
              containers: [sh("echo work >>/l/log", { volumeMounts: [mount("l", "/l")] })],
            },
          },
        },
      },
      aPod("tty", { containers: [main({ command: ["sh"], stdin: true, tty: true })] }),
      aPod("asks", {
        restartPolicy: "Never",
        containers: [sh("read word; echo got $word", { stdin: true, stdinOnce: true })],
      }),
      aPod("debugged"),
      aPod("never", { containers: [main({ image: "absent:1", imagePullPolicy: "Never" })] }),
      aPod("wrong-name", { containers: [main({ image: "Not/A/Name" })] }),
    ),
  );

  test("a postStart hook that fails restarts the container and says no more than that", async () => {
    await eventually(async () => {
      const text = await events("post-start-fails");
      expect(text).toMatch(/Warning +FailedPostStartHook .*PostStartHook failed\n/);
      expect(text).toMatch(/Normal +Killing .*FailedPostStartHook\n/);
      expect((await containerOf("post-start-fails")).restartCount).toBeGreaterThan(0);
    });
  });

  test("hooks run after the start and before the end", async () => {
    await ready("hooks", "sleeps");
    await kubectl("delete", "pod", "hooks", "sleeps");
    expect(await on.machine.must("cat", ["/run/hooks/log"])).toBe("post\npre\nterm\n");
  });

  test("last words come from the file, or from the log of one that failed", async () => {
    for (const pod of ["words", "log-words", "no-words"]) await said(pod);
    const message = async (pod: string) => (await containerOf(pod)).state.terminated.message;
    expect(await message("words")).toBe("goodbye");
    expect(await message("log-words")).toBe("from the log\n");
    expect(await message("no-words")).toBeUndefined();
  });

  test("restarts are counted, and their number never falls", async () => {
    await eventually(async () => {
      const { restartCount, lastState, state } = await containerOf("restarts");
      expect(restartCount).toBeGreaterThanOrEqual(2);
      expect(lastState.terminated.exitCode).toBe(2);
      expect(state.waiting.reason).toBe("CrashLoopBackOff");
    });
  });

  test("a pod ends at its deadline", () =>
    eventually(async () =>
      expect((await json("get", "pod", "deadline")).status).toMatchObject({
        phase: "Failed",
        reason: "DeadlineExceeded",
      }),
    ));

  test("sidecars start in order, end in the opposite order, and do not keep a Job from completing", async () => {
    await kubectl("wait", "--for=condition=Complete", "job/with-sidecar", "--timeout=150s");
    await eventually(async () =>
      expect(await on.machine.must("cat", ["/run/order/log"])).toBe("first\nsecond\nwork\nend second\nend first\n"),
    );
    const [pod] = (await json("get", "pods", "-l", "job-name=with-sidecar")).items;
    expect(pod.status.phase).toBe("Succeeded");
  });

  test("a terminal, and input that ends with its client", async () => {
    await ready("tty", "asks");
    expect(await exec("tty", "tty </proc/1/fd/0")).toMatch(/\/dev\/(pts\/0|console)/);
    const { stdout } = await on.cluster.kubectl.run(["attach", "-i", "asks"], { input: "plugh\n" });
    expect(stdout).toContain("got plugh");
  });

  test("kubectl debug puts a container into a pod that runs", async () => {
    await ready("debugged");
    await kubectl(
      "debug",
      "debugged",
      "--image=busybox:1",
      "--container=look",
      "--target=main",
      "--",
      "sh",
      "-c",
      "ps; sleep 3600",
    );
    await eventually(async () => {
      const [status] = (await json("get", "pod", "debugged")).status.ephemeralContainerStatuses;
      expect(status).toMatchObject({ name: "look", state: { running: {} } });
      expect(await kubectl("logs", "debugged", "-c", "look")).toContain("sleep 3600");
    });
    expect(await exec("debugged", "echo inside", "look")).toBe("inside\n");
  });

  test("an image that must not be pulled, and one that has no name", async () => {
    await waiting("never", {
      reason: "ErrImageNeverPull",
      message: 'Container image "absent:1" is not present with pull policy of Never',
    });
    await waiting("wrong-name", { reason: "InvalidImageName" });
  });
});

describe("a pod's place", () => {
  beforeAll(() =>
    apply(
      aPod("host", { hostNetwork: true, hostPID: true }),
      once("aliases", "cat /etc/hosts", {
        hostAliases: [{ ip: "192.0.2.7", hostnames: ["foo.local", "bar.local"] }],
      }),
      once("named", "hostname; hostname -f", { hostname: "one", subdomain: "sub" }),
      once("fqdn", "hostname", { hostname: "one", subdomain: "sub", setHostnameAsFQDN: true }),
      once("own-dns", "cat /etc/resolv.conf", {
        dnsPolicy: "None",
        dnsConfig: {
          nameservers: ["192.0.2.53"],
          searches: ["my.search"],
          options: [{ name: "ndots", value: "1" }, { name: "edns0" }],
        },
      }),
      once("cluster-dns", "cat /etc/resolv.conf", { dnsConfig: { searches: ["more.search"] } }),
      once(
        "address",
        "echo $IP $HOST $UID",
        {},
        {
          env: [
            { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
            { name: "HOST", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } },
            { name: "UID", valueFrom: { fieldRef: { fieldPath: "metadata.uid" } } },
          ],
        },
      ),
      once(
        "told-by-file",
        "echo $COLOR; ls /made 2>&1",
        {
          volumes: [volume("made", { emptyDir: {} })],
          initContainers: [
            sh("echo \"COLOR='deep blue' # chosen\" >/made/my.env", {
              name: "makes",
              volumeMounts: [mount("made", "/made")],
            }),
          ],
        },
        {
          env: [{ name: "COLOR", valueFrom: { fileKeyRef: { volumeName: "made", path: "my.env", key: "COLOR" } } }],
        },
      ),
    ),
  );

  test("the node's network and processes", async () => {
    await ready("host");
    const { status } = await json("get", "pod", "host");
    expect(status.podIP).toBe(status.hostIP);
    expect(await exec("host", "ps")).toContain("dockerd");
  });

  test("names in /etc/hosts, host name and its full name", async () => {
    const hosts = await said("aliases");
    expect(hosts).toContain("# Entries added by HostAliases.\n192.0.2.7\tfoo.local\tbar.local\n");
    expect(await said("named")).toBe("one\none.sub.default.svc.cluster.local\n");
    expect(await said("fqdn")).toBe("one.sub.default.svc.cluster.local\n");
  });

  test("name servers of the pod's own, and the cluster's with more", async () => {
    expect(await said("own-dns")).toBe("search my.search\nnameserver 192.0.2.53\noptions ndots:1 edns0\n");
    expect(await said("cluster-dns")).toMatch(
      /^search default.svc.cluster.local svc.cluster.local cluster.local more.search\nnameserver 10.43.0.10\noptions ndots:5\n$/,
    );
  });

  test("a variable from a file that an init container made", async () => {
    expect(await said("told-by-file")).toMatch(/^deep blue\n.*No such file/);
  });

  test("its addresses and its uid as variables", async () => {
    const words = await said("address");
    const { metadata, status } = await json("get", "pod", "address");
    expect(words).toBe(`${status.podIPs[0].ip} ${status.hostIP} ${metadata.uid}\n`);
  });
});

describe("resources", () => {
  const limits = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
  beforeAll(() =>
    apply(
      aPod("limited", { containers: [main({ resources: limits("200m", "64Mi") })] }),
      aPod("whole", {
        resources: limits("300m", "64Mi"),
        containers: [main(), main({ name: "small", resources: limits("100m", "16Mi") })],
      }),
      aPod("resized", {
        containers: [
          main({ resources: limits("100m", "32Mi") }),
          main({
            name: "anew",
            resources: limits("100m", "32Mi"),
            resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }],
          }),
        ],
      }),
    ),
  );
  test("who writes more than its limit is evicted", async () => {
    await apply(
      aPod("greedy", {
        volumes: [volume("v", { emptyDir: { sizeLimit: "1Mi" } })],
        containers: [sh("dd if=/dev/zero of=/v/file bs=1M count=3; sleep 3600", { volumeMounts: [mount("v", "/v")] })],
      }),
    );
    await eventually(async () => {
      const { status } = await json("get", "pod", "greedy");
      expect(status).toMatchObject({
        phase: "Failed",
        reason: "Evicted",
        message: 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
      });
      expect(status.conditions).toContainEqual(
        expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet" }),
      );
    });
  });

  /** The limits that the kernel holds a container to. */
  const kernel = async (pod: string, container = "main") =>
    (
      await exec(
        pod,
        "cd /sys/fs/cgroup; if [ -e cpu ]; then cat cpu/cpu.cfs_quota_us cpu/cpu.shares memory/memory.limit_in_bytes; else cat cpu.max cpu.weight memory.max; fi",
        container,
      )
    )
      .trim()
      .split("\n");

  test("limits and requests reach the kernel", async () => {
    await ready("limited");
    expect(await kernel("limited")).toEqual(["20000", "204", String(64 * 2 ** 20)]);
    expect((await json("get", "pod", "limited")).status.qosClass).toBe("Guaranteed");
    // What a pod has as a whole holds for each container that has nothing of its own.
    await ready("whole");
    expect(await kernel("whole")).toEqual(["30000", "307", String(64 * 2 ** 20)]);
    expect(await kernel("whole", "small")).toEqual(["10000", "102", String(16 * 2 ** 20)]);
  });

  test("a pod is resized while it runs; a container that wants it is restarted", async () => {
    await ready("resized");
    await kubectl(
      "patch",
      "pod",
      "resized",
      "--subresource=resize",
      "-p",
      JSON.stringify({
        spec: {
          containers: [
            { name: "main", resources: limits("300m", "48Mi") },
            { name: "anew", resources: limits("100m", "24Mi") },
          ],
        },
      }),
    );
    await eventually(async () => {
      const { status } = await json("get", "pod", "resized");
      const of = (name: string) => status.containerStatuses.find((each: { name: string }) => each.name === name);
      expect(of("main")).toMatchObject({
        restartCount: 0,
        allocatedResources: { cpu: "300m", memory: "48Mi" },
        resources: limits("300m", "48Mi"),
      });
      expect(of("anew")).toMatchObject({ restartCount: 1, ready: true, resources: limits("100m", "24Mi") });
      expect(status.conditions.map(({ type }: { type: string }) => type)).not.toContain("PodResizeInProgress");
    });
    expect(await kernel("resized")).toEqual(["30000", "307", String(48 * 2 ** 20)]);
    expect(await kernel("resized", "anew")).toEqual(["10000", "102", String(24 * 2 ** 20)]);
    await eventually(async () =>
      expect(await events("resized")).toMatch(/ResizeCompleted +\S+ +Pod resize completed: \{/),
    );
  });

  test("a resize gives containers requests and limits that they had not", async () => {
    const asking = (name: string, requests: Record<string, string>) => main({ name, resources: { requests } });
    await apply(aPod("modest", { containers: [asking("main", { cpu: "20m" }), asking("second", { memory: "35Mi" })] }));
    await ready("modest");
    const wanted = {
      main: { requests: { cpu: "25m", memory: "35Mi" }, limits: { cpu: "40m" } },
      second: { requests: { cpu: "20m", memory: "30Mi" }, limits: { memory: "50Mi" } },
    };
    const containers = Object.entries(wanted).map(([name, resources]) => ({ name, resources }));
    await kubectl("patch", "pod", "modest", "--subresource=resize", "-p", JSON.stringify({ spec: { containers } }));
    await eventually(async () => {
      const { containerStatuses } = (await json("get", "pod", "modest")).status;
      expect(containerStatuses).toMatchObject(containers.map((each) => ({ ...each, restartCount: 0 })));
    });
    expect((await kernel("modest")).slice(0, 2)).toEqual(["4000", "25"]);
    expect(await kernel("modest", "second")).toEqual(["-1", "20", String(50 * 2 ** 20)]);
  });

  test("a resize that the node has no room for waits or is refused, and the pod runs on as it was", async () => {
    const ask = (cpu: string) =>
      kubectl(
        "patch",
        "pod",
        "limited",
        "--subresource=resize",
        "-p",
        JSON.stringify({
          spec: { containers: [{ name: "main", resources: limits(cpu, "64Mi") }] },
        }),
      );
    const pending = async () =>
      (await json("get", "pod", "limited")).status.conditions.find(
        ({ type }: { type: string }) => type === "PodResizePending",
      );
    await ask("1000");
    await eventually(async () =>
      expect(await pending()).toMatchObject({
        status: "True",
        reason: "Infeasible",
        message: expect.stringMatching(/^Node didn't have enough capacity: cpu, requested: 1000000, capacity: \d+$/),
      }),
    );
    expect((await containerOf("limited")).resources).toEqual(limits("200m", "64Mi"));
    await ask("200m");
    await eventually(async () => expect(await pending()).toBeUndefined());
  });
});

describe("probes", () => {
  test("a gRPC probe asks for the health of a service", async () => {
    // A pod on the node's network is probed at the node's address, where this little server answers.
    const server = `
      const { existsSync } = require("node:fs");
      require("node:http2").createServer().on("stream", (stream) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.resume();
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, existsSync("/run/ill") ? 2 : 1]));
      }).listen(5000);`;
    const running = on.machine.start(process.execPath, ["-e", server]);
    await apply(
      aPod("grpc", {
        hostNetwork: true,
        containers: [
          main({ readinessProbe: { grpc: { port: 5000 }, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1 } }),
        ],
      }),
      aPod("no-grpc", {
        containers: [
          main({ livenessProbe: { grpc: { port: 2333 }, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1 } }),
        ],
      }),
    );
    await ready("grpc");
    await eventually(async () => expect((await containerOf("no-grpc")).restartCount).toBeGreaterThan(0));
    await on.machine.must("touch", ["/run/ill"]);
    await eventually(async () => {
      expect((await containerOf("grpc")).ready).toBe(false);
      expect(await events("grpc")).toMatch(
        /Warning +Unhealthy .*Readiness probe failed: service unhealthy \(responded with "NOT_SERVING"\)/,
      );
    });
    await running.stop();
  });
});

test("a pod that was refused says so to kubectl", async () => {
  expect(await fails("exec", "not-root", "--", "true")).toMatch(/container not found|unable to upgrade|not running/);
});

const enabled = "/sys/module/apparmor/parameters/enabled";
const hasAppArmor = existsSync(enabled) && readFileSync(enabled, "utf8").startsWith("Y");
test.skipIf(hasAppArmor)("a pod that asks for AppArmor does not run without, where the kernel has none", async () => {
  await apply(aPod("armoured", { securityContext: { appArmorProfile: { type: "RuntimeDefault" } } }));
  await waiting("armoured", { reason: "Blocked" });
  expect((await json("get", "pod", "armoured")).status).toMatchObject({
    phase: "Pending",
    reason: "AppArmor",
    message: "Cannot enforce AppArmor: AppArmor is not enabled on the host",
  });
  await kubectl("delete", "pod", "armoured", "--timeout=150s");
});

test("a file of the node's own is a pod, which the API shows and cannot end", async () => {
  const directory = "/var/lib/skiff/agent/pod-manifests";
  const manifest = JSON.stringify(aPod("own", { containers: [sh("echo here; exec sleep 3600")] }));
  await on.machine.must("sh", ["-c", `cat >${directory}/own.json`], { input: manifest });
  await eventually(() => ready("own-pod-spec"));
  await eventually(async () => expect(await kubectl("logs", "own-pod-spec")).toBe("here\n"));
  const before = await json("get", "pod", "own-pod-spec");
  expect(before.metadata.annotations).toMatchObject({ "kubernetes.io/config.source": "file" });
  expect(before.metadata.ownerReferences).toMatchObject([{ kind: "Node", name: "pod-spec" }]);
  await kubectl("delete", "pod", "own-pod-spec", "--wait=false");
  await eventually(async () => {
    const after = await json("get", "pod", "own-pod-spec");
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    expect(after.status.containerStatuses).toEqual(before.status.containerStatuses);
  });
  await on.machine.must("rm", [`${directory}/own.json`]);
  await eventually(() => fails("get", "pod", "own-pod-spec"));
});
