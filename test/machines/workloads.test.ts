import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Pod } from "../../src/api/schema/types.ts";
import { type Agent, joinCluster } from "../support/agent.ts";
import { eventually } from "../support/eventually.ts";
import { loadImages } from "../support/images.ts";
import { journey } from "../support/journey.ts";

// What DaemonSets, StatefulSets, ReplicaSets and autoscalers promise, with real containers on one node and on two.
const tag = { "busybox:1": ["busybox:2"] } as const;
const on = journey("one", ["busybox:1"], {
  as: tag,
  flags: ["--kube-controller-manager-arg", "horizontal-pod-autoscaler-sync-period=3s"],
});
const { kubectl, json } = on;

const podsOf = async (app: string): Promise<Pod[]> => (await json("get", "pods", "-l", `app=${app}`)).items;
const patch = (what: string, change: object) =>
  kubectl("patch", ...what.split("/"), "--type=merge", "-p", JSON.stringify(change));
const settled = (what: string) => kubectl("rollout", "status", what, "--timeout=150s");
const uids = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.uid).sort();
const nodesOf = (pods: readonly Pod[]) => pods.map(({ spec }) => spec.nodeName).sort();
const imagesOf = (pods: readonly Pod[]) => [...new Set(pods.map(({ spec }) => spec.containers[0]?.image))];
const isReady = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True");

describe("a DaemonSet", () => {
  let agent: Agent | undefined;
  // Node two leaves behind its tests; what it had is looked at last, for the cluster waits before it forgets.
  afterAll(async () => {
    await agent?.stop();
    await kubectl("delete", "node", "two");
  });
  beforeAll(() =>
    on.cluster.kubectl.apply(`
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ds}
spec:
  selector: {matchLabels: {app: ds}}
  template:
    metadata: {labels: {app: ds}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: "busybox:1", command: [sleep, "3600"]}]
`),
  );
  const allReady = (...nodes: string[]) =>
    eventually(async () => {
      const pods = (await podsOf("ds")).filter(({ metadata }) => !metadata.deletionTimestamp);
      expect([nodesOf(pods), pods.every(isReady)]).toEqual([nodes, true]);
      return pods;
    });

  test("has a pod on each node, also on one that joins", async () => {
    await allReady("one");
    const two = await on.lan.machine("two");
    await loadImages(two, ["busybox:1"], { as: tag });
    agent = await joinCluster(two, on.cluster);
    await allReady("one", "two");
  });

  test("makes a pod again that was deleted or has failed", async () => {
    const [first, second] = await allReady("one", "two");
    await kubectl("delete", "pod", first?.metadata.name ?? "", "--wait=false");
    const failed = ["--subresource=status", "-p", '{"status":{"phase":"Failed"}}'];
    await eventually(async () => {
      // Its node says otherwise: the set may not have seen it before.
      await on.cluster.kubectl.run(["patch", "pod", second?.metadata.name ?? "", ...failed]);
      const pods = await allReady("one", "two");
      for (const { metadata } of [first, second].flatMap((pod) => pod ?? []))
        expect(uids(pods)).not.toContain(metadata.uid);
    });
  });

  test("runs only where its selector says, and follows a node's labels", async () => {
    await patch("ds/ds", { spec: { template: { spec: { nodeSelector: { color: "blue" } } } } });
    await allReady();
    await kubectl("label", "node", "two", "color=blue");
    await allReady("two");
    await kubectl("label", "node", "two", "color=green", "--overwrite");
    await allReady();
    await patch("ds/ds", { spec: { template: { spec: { nodeSelector: null } } } });
    await allReady("one", "two");
  });

  test("is updated, and rolled back without restarting what need not be", async () => {
    await kubectl("set", "image", "ds/ds", "c=busybox:2");
    await settled("ds/ds");
    const good = await allReady("one", "two");
    expect(imagesOf(good)).toEqual(["busybox:2"]);
    await kubectl("set", "image", "ds/ds", "c=busybox:none");
    const stuck = await eventually(async () => {
      const pods = await podsOf("ds");
      expect(imagesOf(pods).sort()).toEqual(["busybox:2", "busybox:none"]);
      return pods.find(isReady)?.metadata.uid;
    });
    await kubectl("rollout", "undo", "ds/ds");
    await settled("ds/ds");
    const after = await allReady("one", "two");
    expect(imagesOf(after)).toEqual(["busybox:2"]);
    expect(uids(after)).toContain(stuck);
  });
});

describe("a StatefulSet as tutorials bring it", () => {
  beforeAll(() =>
    on.cluster.kubectl.apply(`
{apiVersion: v1, kind: Service, metadata: {name: nginx}, spec: {clusterIP: None, selector: {app: nginx}, ports: [{port: 80, name: web}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: nginx
  replicas: 3
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: nginx
        image: busybox:1
        command: [sh, -c, "test -e /www/index.html || hostname > /www/index.html; exec httpd -f -p 80 -h /www"]
        readinessProbe: {httpGet: {path: /index.html, port: 80}, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1}
        volumeMounts: [{name: www, mountPath: /www}]
  volumeClaimTemplates:
  - metadata: {name: www}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
`),
  );

  const names = async () => (await podsOf("nginx")).map(({ metadata }) => metadata.name).sort();
  const startOf = ({ status }: Pod) =>
    status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime ?? "";
  const ask = (url: string) => kubectl("exec", "web-0", "--", "wget", "-qO-", url);

  test("its pods start one after the other, with names that stay", async () => {
    await settled("sts/web");
    const pods = await podsOf("nginx");
    expect(pods.map(({ metadata }) => metadata.name)).toEqual(["web-0", "web-1", "web-2"]);
    for (const [at, { metadata }] of pods.entries()) {
      expect(metadata.labels?.["apps.kubernetes.io/pod-index"]).toBe(String(at));
      const before = pods[at - 1];
      if (before) expect((metadata.creationTimestamp ?? "") >= startOf(before)).toBe(true);
    }
    expect(await kubectl("exec", "web-1", "--", "hostname", "-f")).toBe("web-1.nginx.default.svc.cluster.local\n");
    for (const name of await names())
      await eventually(async () => expect(await ask(`http://${name}.nginx/`)).toBe(`${name}\n`));
  });

  test("a pod that is deleted comes back with its name and what it wrote", async () => {
    await kubectl("exec", "web-1", "--", "sh", "-c", "echo kept > /www/index.html");
    const before = (await json("get", "pod", "web-1")).metadata.uid;
    await kubectl("delete", "pod", "web-1");
    // First the pod: until the StatefulSet's status follows it speaks of the one that is gone.
    await eventually(async () => expect((await json("get", "pod", "web-1")).metadata.uid).not.toBe(before));
    await settled("sts/web");
    await eventually(async () => expect(await ask("http://web-1.nginx/")).toBe("kept\n"));
  });

  test("growing and shrinking halt while a pod is unhealthy, and shrinking goes from the top", async () => {
    await kubectl("exec", "web-1", "--", "mv", "/www/index.html", "/www/away");
    await eventually(async () => expect((await json("get", "sts", "web")).status.readyReplicas).toBe(2));
    await kubectl("scale", "sts/web", "--replicas=4");
    const { metadata } = await json("get", "sts", "web");
    await eventually(async () =>
      expect((await json("get", "sts", "web")).status.observedGeneration).toBe(metadata.generation),
    );
    expect(await names()).toEqual(["web-0", "web-1", "web-2"]);
    await kubectl("exec", "web-1", "--", "mv", "/www/away", "/www/index.html");
    await settled("sts/web");
    expect(await names()).toEqual(["web-0", "web-1", "web-2", "web-3"]);
    await kubectl("scale", "sts/web", "--replicas=2");
    await eventually(async () => expect(await names()).toEqual(["web-0", "web-1"]));
    await eventually(async () => {
      const events = await kubectl("events", "--for", "sts/web");
      const removed = [...events.matchAll(/Delete Pod (web-\d) .* successful/g)];
      expect(removed.map(([, name]) => name).slice(-2)).toEqual(["web-3", "web-2"]);
    });
    expect(await kubectl("get", "pvc", "-o", "name")).toContain("www-web-3");
  });

  test("an update keeps to its partition, and goes on from the top when it is lowered", async () => {
    await patch("sts/web", { spec: { updateStrategy: { rollingUpdate: { partition: 1 } } } });
    await kubectl("set", "image", "sts/web", "nginx=busybox:2");
    await eventually(async () =>
      expect((await json("get", "sts", "web")).status).toMatchObject({ updatedReplicas: 1, readyReplicas: 2 }),
    );
    const image = async (pod: string) => (await json("get", "pod", pod)).spec.containers[0].image;
    expect([await image("web-0"), await image("web-1")]).toEqual(["busybox:1", "busybox:2"]);
    await patch("sts/web", { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } });
    await settled("sts/web");
    expect([await image("web-0"), await image("web-1")]).toEqual(["busybox:2", "busybox:2"]);
    await kubectl("rollout", "undo", "sts/web");
    await settled("sts/web");
    expect([await image("web-0"), await image("web-1")]).toEqual(["busybox:1", "busybox:1"]);
    expect((await podsOf("nginx")).length).toBe(2);
    await kubectl("delete", "sts/web");
  });
});

test("a StatefulSet makes a pod again that its node refuses, until the node takes it", async () => {
  const port = {
    name: "c",
    image: "busybox:1",
    command: ["sleep", "3600"],
    ports: [{ containerPort: 80, hostPort: 21017 }],
  };
  const spec = { nodeName: "one", terminationGracePeriodSeconds: 1, containers: [port] };
  const blocker = { apiVersion: "v1", kind: "Pod", metadata: { name: "blocker" }, spec };
  const set = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "ss" },
    spec: {
      replicas: 1,
      serviceName: "none",
      selector: { matchLabels: { app: "ss" } },
      template: { metadata: { labels: { app: "ss" } }, spec },
    },
  };
  await on.cluster.kubectl.apply(JSON.stringify(blocker));
  await kubectl("wait", "--for=condition=Ready", "pod/blocker", "--timeout=150s");
  await on.cluster.kubectl.apply(JSON.stringify(set));
  const seen = new Set<string | undefined>();
  await eventually(async () => {
    for (const { metadata } of await podsOf("ss")) seen.add(metadata.uid);
    expect(seen.size).toBeGreaterThan(1);
  });
  const refused = () => kubectl("get", "events", "--field-selector", "involvedObject.name=ss-0,reason=NodePorts");
  const why = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
  await eventually(async () => expect(await refused()).toContain(why));
  await kubectl("delete", "pod", "blocker");
  await settled("sts/ss");
  await kubectl("delete", "sts/ss");
});

test("an autoscaler adds pods under load and takes them away behind it", async () => {
  await on.cluster.kubectl.apply(`
{apiVersion: v1, kind: ConfigMap, metadata: {name: load}, data: {busy: "1"}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: burner}
spec:
  selector: {matchLabels: {app: burner}}
  template:
    metadata: {labels: {app: burner}}
    spec:
      terminationGracePeriodSeconds: 1
      volumes: [{name: load, configMap: {name: load}}]
      containers:
      - name: c
        image: busybox:1
        command: [sh, -c, 'while true; do if [ "$(cat /load/busy)" = 1 ]; then i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; else sleep 3; fi; done']
        resources: {requests: {cpu: 50m}, limits: {cpu: 100m}}
        volumeMounts: [{name: load, mountPath: /load}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: burner}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: burner}
  minReplicas: 1
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 30}}}]
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
`);
  const size = async () => (await json("get", "deployment", "burner")).status.readyReplicas;
  await eventually(async () => expect(await size()).toBe(3));
  await patch("configmap/load", { data: { busy: "0" } });
  await eventually(async () => expect(await size()).toBe(1));
  await eventually(async () => {
    const said = await kubectl("events", "--for", "hpa/burner");
    expect(said).toContain("reason: cpu resource utilization (percentage of request) above target");
    expect(said).toContain("New size: 1; reason: All metrics below target");
  });
  await kubectl("delete", "hpa/burner", "deployment/burner");
});

describe.each([
  ["ReplicaSet", "apps/v1"],
  ["ReplicationController", "v1"],
])("a %s", (kind, apiVersion) => {
  const app = kind.toLowerCase();
  test("takes in a pod that matches, and replaces one that matches no longer", async () => {
    const metadata = { labels: { app } };
    const container = {
      name: "c",
      image: "busybox:1",
      command: ["sh", "-c", "mkdir /w; hostname > /w/index.html; httpd -f -p 80 -h /w"],
    };
    const spec = { terminationGracePeriodSeconds: 1, containers: [container] };
    const selector = apiVersion === "v1" ? { app } : { matchLabels: { app } };
    await on.cluster.kubectl.apply(
      JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: app, ...metadata }, spec }),
    );
    const owner = {
      apiVersion,
      kind,
      metadata: { name: app },
      spec: { replicas: 2, selector, template: { metadata, spec } },
    };
    await on.cluster.kubectl.apply(JSON.stringify(owner));
    const pods = await eventually(async () => {
      const all = await podsOf(app);
      expect([all.length, all.every(isReady)]).toEqual([2, true]);
      expect(
        all.map(({ metadata: { name, ownerReferences } }) => [name.startsWith(app), ownerReferences?.[0]?.kind]),
      ).toEqual([
        [true, kind],
        [true, kind],
      ]);
      return all;
    });
    expect(pods.map(({ metadata: { name } }) => name)).toContain(app);
    for (const {
      metadata: { name },
    } of pods)
      await eventually(async () =>
        expect(await kubectl("get", "--raw", `/api/v1/namespaces/default/pods/${name}:80/proxy/`)).toBe(`${name}\n`),
      );
    await kubectl("label", "pod", app, "app=free", "--overwrite");
    await eventually(async () => {
      expect((await json("get", "pod", app)).metadata.ownerReferences).toBeUndefined();
      expect((await podsOf(app)).length).toBe(2);
    });
    await kubectl("delete", `${app}/${app}`, `pod/${app}`);
  });
});

test("a DaemonSet forgets a node that has left", async () => {
  await eventually(
    async () => {
      expect(nodesOf(await podsOf("ds"))).toEqual(["one"]);
      expect((await json("get", "ds", "ds")).status.desiredNumberScheduled).toBe(1);
    },
    { limitMs: 200_000 },
  );
});
