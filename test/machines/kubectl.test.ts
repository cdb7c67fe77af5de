import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { type Kubectl, kubectlPath, openKubectl, streamsOver } from "../support/kubectl.ts";
import { must, start } from "../support/run.ts";

const on = journey("kubectl", ["busybox:1", "nginx:1.25"], { as: { "nginx:1.25": ["nginx:1.26"] } });
const { kubectl, json, fails } = on;
const folder = mkdtempSync(join(tmpdir(), "skiff-kubectl-"));
beforeAll(async () => {
  await on.cluster.kubectl.apply(fixture("nginx-deployment.yaml"));
  await kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=150s");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A pod of the Deployment that is to stay: one being deleted may have ended already. */
async function firstPod(): Promise<string> {
  const pods: { metadata: { name: string; deletionTimestamp?: string } }[] = (
    await json("get", "pods", "-l", "app=nginx")
  ).items;
  const staying = pods.find(({ metadata }) => !metadata.deletionTimestamp);
  return `pod/${staying!.metadata.name}`;
}

describe("looking", () => {
  test("cluster-info, api-resources, api-versions, version and readyz answer", async () => {
    expect(await kubectl("cluster-info")).toContain("Kubernetes control plane");
    const resources = await kubectl("api-resources", "-o", "name");
    for (const name of ["pods", "deployments.apps", "jobs.batch", "roles.rbac.authorization.k8s.io"])
      expect(resources.split("\n")).toContain(name);
    expect((await kubectl("api-versions")).split("\n")).toEqual(expect.arrayContaining(["v1", "apps/v1", "batch/v1"]));
    expect((await json("version")).serverVersion.gitVersion).toMatch(/^v1\.36\./);
    expect(await kubectl("get", "--raw", "/readyz?verbose")).toContain("readyz check passed");
  });

  test("get prints tables, wide tables, names, JSON, YAML, JSON paths and own columns", async () => {
    expect(await kubectl("get", "deployments")).toMatch(
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nnginx-deployment +2\/2 +2 +2 /,
    );
    expect(await kubectl("get", "deployments", "-o", "wide")).toMatch(
      /CONTAINERS +IMAGES +SELECTOR\n.*nginx +nginx:1.25 +app=nginx/,
    );
    expect(await kubectl("get", "pods", "-l", "app=nginx", "-o", "wide")).toMatch(
      /NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\n.* 1\/1 +Running +0 /,
    );
    expect(await kubectl("get", "nodes")).toMatch(
      /NAME +STATUS +ROLES +AGE +VERSION\nkubectl +Ready +control-plane +\S+ +v1\.36\./,
    );
    expect(await kubectl("get", "deploy", "-o", "name")).toBe("deployment.apps/nginx-deployment\n");
    expect(await kubectl("get", "deploy", "nginx-deployment", "-o", "jsonpath={.spec.replicas}")).toBe("2");
    expect(await kubectl("get", "deploy", "-o", "custom-columns=N:.metadata.name,R:.spec.replicas")).toMatch(
      /^N +R\nnginx-deployment +2\n$/,
    );
    expect(await kubectl("get", "deploy", "nginx-deployment", "-o", "yaml")).toContain("kind: Deployment");
    expect(await kubectl("get", "pods", "--field-selector", "status.phase=Running", "-o", "name")).toContain(
      "pod/nginx-deployment-",
    );
    expect(await kubectl("get", "namespaces,nodes,pods", "-A")).toContain("namespace/kube-system");
  });

  test("describe and events tell the story of a pod", async () => {
    await eventually(async () => {
      const described = await kubectl("describe", await firstPod());
      for (const text of [
        /Status: +Running/,
        /Controlled By: +ReplicaSet\/nginx-deployment-/,
        /Scheduled/,
        /Created/,
        /Started/,
        /QoS Class: +BestEffort/,
      ])
        expect(described).toMatch(text);
    });
    await eventually(async () =>
      expect(await kubectl("events")).toMatch(
        /Normal +ScalingReplicaSet +Deployment\/nginx-deployment +Scaled up replica set/,
      ),
    );
    expect(await kubectl("describe", "node")).toContain("Container Runtime Version:");
    expect(await kubectl("describe", "deployment", "nginx-deployment")).toContain("NewReplicaSet:   nginx-deployment-");
  });

  test("explain names the fields with their texts", async () => {
    expect(await kubectl("explain", "pod.spec.containers")).toMatch(
      /FIELD: containers <\[\]Container>[\s\S]*List of containers/,
    );
  });

  test("top shows what nodes, pods and containers use", async () => {
    await eventually(async () =>
      expect(await kubectl("get", "apiservice", "v1beta1.metrics.k8s.io")).toMatch(/Local +True/),
    );
    // How much CPU is used shows between two looks.
    await eventually(async () => {
      expect(await kubectl("top", "nodes")).toMatch(/\n\S+ +\d+m +\d+% +\d+Mi +\d+%/);
      expect(await kubectl("top", "pods", "--containers")).toMatch(/\nnginx-deployment-\S+ +nginx +\d+m +\d+Mi/);
    });
  });

  test("get -w follows changes", async () => {
    const watch = start(await kubectlPath(), ["get", "configmaps", "-w", "--watch-only", "-o", "name"], {
      env: { ...process.env, KUBECONFIG: on.cluster.kubeconfig },
    });
    await eventually(async () => {
      await on.cluster.kubectl.run(["create", "configmap", "watched", "--from-literal=a=b"]);
      await kubectl("label", "configmap", "watched", "--overwrite", `turn=${Date.now()}`);
      expect(watch.output()).toContain("configmap/watched");
    });
    await watch.stop();
    await kubectl("delete", "configmap", "watched");
  });
});

describe("changing", () => {
  test("create, label, annotate, patch (all three), replace, edit and diff", async () => {
    await kubectl("create", "configmap", "notes", "--from-literal=a=1");
    await kubectl("label", "configmap", "notes", "team=shelf");
    await kubectl("annotate", "configmap", "notes", "note=hello");
    await kubectl("patch", "configmap", "notes", "-p", '{"data":{"b":"2"}}');
    await kubectl("patch", "configmap", "notes", "--type=merge", "-p", '{"data":{"c":"3"}}');
    await kubectl("patch", "configmap", "notes", "--type=json", "-p", '[{"op":"remove","path":"/data/a"}]');
    const notes = await json("get", "configmap", "notes");
    expect([notes.data, notes.metadata.labels, notes.metadata.annotations]).toEqual([
      { b: "2", c: "3" },
      { team: "shelf" },
      { note: "hello" },
    ]);

    const file = join(folder, "notes.json");
    writeFileSync(file, JSON.stringify({ ...notes, data: { replaced: "yes" } }));
    await kubectl("replace", "-f", file);
    const editor = join(folder, "editor.sh");
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/replaced: .yes./replaced: edited/" "$1"\n', { mode: 0o755 });
    await on.cluster.kubectl.must(["edit", "configmap", "notes"], { env: { KUBE_EDITOR: editor } });
    expect((await json("get", "configmap", "notes")).data).toEqual({ replaced: "edited" });
    await kubectl("delete", "configmap", "notes");
  });

  test("diff shows what apply would change, and server-side apply owns its fields", async () => {
    const manifest = (value: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {key: ${value}}\n`;
    const file = join(folder, "applied.yaml");
    writeFileSync(file, manifest("one"));
    await kubectl("apply", "--server-side", "-f", file);
    writeFileSync(file, manifest("two"));
    const { code, stdout } = await on.cluster.kubectl.run(["diff", "--server-side", "-f", file]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("+  key: two")]);
    await kubectl("patch", "configmap", "applied", "-p", '{"data":{"key":"mine"}}', "--field-manager=me");
    expect(await fails("apply", "--server-side", "-f", file)).toContain('conflict with "me"');
    await kubectl("apply", "--server-side", "--force-conflicts", "-f", file);
    expect((await json("get", "configmap", "applied")).data).toEqual({ key: "two" });
    await kubectl("delete", "-f", file);
  });

  test("scale, set image, set env, rollout history, undo, restart, pause and resume", async () => {
    const images = () =>
      kubectl("get", "deploy", "nginx-deployment", "-o", "jsonpath={.spec.template.spec.containers[0].image}");
    const settled = () => kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=150s");
    await kubectl("scale", "deployment/nginx-deployment", "--replicas=3");
    await settled();
    await kubectl("set", "image", "deployment/nginx-deployment", "nginx=nginx:1.26");
    await settled();
    expect(await images()).toBe("nginx:1.26");
    expect(await kubectl("rollout", "history", "deployment/nginx-deployment")).toMatch(/REVISION[\s\S]*1 [\s\S]*2 /);
    await kubectl("rollout", "undo", "deployment/nginx-deployment");
    await settled();
    expect(await images()).toBe("nginx:1.25");
    await kubectl("rollout", "pause", "deployment/nginx-deployment");
    await kubectl("set", "env", "deployment/nginx-deployment", "COLOUR=blue");
    await kubectl("rollout", "resume", "deployment/nginx-deployment");
    await settled();
    await kubectl("rollout", "restart", "deployment/nginx-deployment");
    await settled();
    expect(await kubectl("exec", await firstPod(), "--", "sh", "-c", "echo $COLOUR")).toBe("blue\n");
  });

  test("expose, run, auth can-i, create token, taint, cordon and drain", async () => {
    await kubectl("expose", "deployment", "nginx-deployment", "--port=80", "--name=exposed");
    await eventually(async () =>
      expect(await kubectl("get", "endpointslices", "-l", "kubernetes.io/service-name=exposed")).toContain("10.42."),
    );
    await kubectl("run", "one-off", "--image=busybox:1", "--restart=Never", "--", "sh", "-c", "echo done");
    await kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/one-off", "--timeout=150s");
    expect(await kubectl("logs", "one-off")).toBe("done\n");
    expect((await kubectl("auth", "can-i", "create", "pods")).trim()).toBe("yes");
    expect(
      (
        await on.cluster.kubectl.run(["auth", "can-i", "list", "secrets", "--as=system:serviceaccount:default:default"])
      ).stdout.trim(),
    ).toBe("no");
    expect(await kubectl("create", "token", "default")).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+$/);
    await kubectl("taint", "nodes", "--all", "shelf=full:NoSchedule");
    await kubectl("taint", "nodes", "--all", "shelf-");
    await kubectl("cordon", "kubectl");
    expect(await kubectl("get", "nodes")).toContain("SchedulingDisabled");
    await kubectl("drain", "kubectl", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=150s");
    await kubectl("uncordon", "kubectl");
    await kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=150s");
    await kubectl("delete", "service", "exposed");
  });

  test.each(["background", "foreground", "orphan"])("delete --cascade=%s", async (cascade) => {
    const name = `tree-${cascade}`;
    await kubectl("create", "deployment", name, "--image=nginx:1.25");
    await kubectl("rollout", "status", `deployment/${name}`, "--timeout=150s");
    await kubectl("delete", "deployment", name, `--cascade=${cascade}`, "--timeout=150s");
    const sets = async () => (await json("get", "replicasets", "-l", `app=${name}`)).items;
    if (cascade === "orphan") {
      expect(
        (await sets()).map((set: { metadata: { ownerReferences?: unknown } }) => set.metadata.ownerReferences),
      ).toEqual([undefined]);
      await kubectl("delete", "replicasets", "-l", `app=${name}`, "--grace-period=1");
    }
    await eventually(async () => expect(await sets()).toEqual([]));
    await eventually(async () => expect((await json("get", "pods", "-l", `app=${name}`)).items).toEqual([]));
  });
});

describe.each([
  ["WebSocket", false],
  ["SPDY", true],
] as const)("talking to containers over %s", (protocol, spdy) => {
  let talk: Kubectl;
  const env = () => ({ ...process.env, KUBECONFIG: on.cluster.kubeconfig, ...streamsOver(protocol) });
  beforeAll(async () => {
    talk = await openKubectl(on.cluster.kubeconfig, { spdy });
    await kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=150s");
  });

  test("exec passes input, output and exit codes", async () => {
    const pod = await firstPod();
    expect(await talk.must(["exec", "-i", pod, "--", "sh", "-c", "cat; echo err >&2"], { input: "hello\n" })).toBe(
      "hello\n",
    );
    expect((await talk.run(["exec", pod, "--", "sh", "-c", "exit 7"])).code).toBe(7);
    expect(
      await must(
        "script",
        ["-qec", `${await kubectlPath()} exec -it ${pod} -- sh -c 'test -t 0 && echo terminal'`, "/dev/null"],
        { env: env() },
      ),
    ).toContain("terminal");
  });

  test("a megabyte passes through exec and cp unharmed", async () => {
    const pod = (await firstPod()).replace("pod/", "");
    const file = join(folder, "blob");
    writeFileSync(file, Buffer.alloc(1 << 20, "skiff "));
    await talk.must(["cp", file, `${pod}:/tmp/blob`]);
    await talk.must(["cp", `${pod}:/tmp/blob`, `${file}-back`]);
    expect(readFileSync(`${file}-back`).equals(readFileSync(file))).toBe(true);
  });

  test("attach sees what the container says", async () => {
    const name = `talker-${spdy ? "spdy" : "ws"}`;
    await kubectl("run", name, "--image=busybox:1", "--", "sh", "-c", "while true; do echo talking; sleep 0.2; done");
    await kubectl("wait", "--for=condition=Ready", `pod/${name}`, "--timeout=150s");
    const attached = start(await kubectlPath(), ["attach", name], { env: env() });
    await eventually(() => expect(attached.output()).toContain("talking"));
    await attached.stop("SIGKILL");
    await kubectl("delete", "pod", name, "--grace-period=1");
  });

  test("port-forward carries requests", async () => {
    const forward = start(await kubectlPath(), ["port-forward", await firstPod(), ":80"], { env: env() });
    const address = await eventually(() => {
      const told = /Forwarding from (127\.0\.0\.1:\d+) /.exec(forward.output())?.[1];
      if (!told) throw new Error(`kubectl does not forward:\n${forward.output()}`);
      return told;
    });
    for (let n = 0; n < 5; n++)
      expect(await must("curl", ["-sS", "--max-time", "60", `http://${address}/`])).toContain("Welcome to nginx!");
    await forward.stop();
  });
});

describe("logs", () => {
  test("-f, --tail, --since, -c and --previous", async () => {
    await on.cluster.kubectl.apply(`
apiVersion: v1
kind: Pod
metadata: {name: chatty}
spec:
  containers:
  - {name: counter, image: "busybox:1", command: [sh, -c, "for i in 1 2 3; do echo line $i; done; sleep 3600"]}
  - {name: crasher, image: "busybox:1", command: [sh, -c, "echo goodbye; exit 1"]}
`);
    await eventually(async () =>
      expect(await kubectl("logs", "chatty", "-c", "counter")).toBe("line 1\nline 2\nline 3\n"),
    );
    expect(await kubectl("logs", "chatty", "-c", "counter", "--tail=1")).toBe("line 3\n");
    expect(await kubectl("logs", "chatty", "-c", "counter", "--since=1h", "--timestamps")).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z line 1\n/,
    );
    await eventually(async () =>
      expect(await kubectl("logs", "chatty", "-c", "crasher", "--previous")).toBe("goodbye\n"),
    );
    const following = start(await kubectlPath(), ["logs", "-f", "chatty", "-c", "counter"], {
      env: { ...process.env, KUBECONFIG: on.cluster.kubeconfig },
    });
    await kubectl("exec", "chatty", "-c", "counter", "--", "sh", "-c", "echo line 4 >/proc/1/fd/1");
    await eventually(() => expect(following.output()).toContain("line 4"));
    await following.stop();
    const { stdout, stderr } = await on.cluster.kubectl.run(["logs", "chatty", "--tail=1"]);
    expect([stdout, stderr]).toEqual(["line 4\n", 'Defaulted container "counter" out of: counter, crasher\n']);
    await kubectl("delete", "pod", "chatty", "--grace-period=1");
  });
});
