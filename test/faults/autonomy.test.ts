import { beforeAll, expect, test } from "vitest";
import { untilReady } from "../support/agent.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { dockerOn, podContainers } from "../support/pod-containers.ts";
import { secondNode } from "../support/second-node.ts";

const on = journey("one", ["busybox:1"]);
const two = secondNode(on, "two");
const { kubectl, json } = on;

const manifest = `
{apiVersion: v1, kind: ConfigMap, metadata: {name: words}, data: {index.html: "served without a server"}}
---
{apiVersion: v1, kind: Secret, metadata: {name: hidden}, stringData: {word: s3cret}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: two
  terminationGracePeriodSeconds: 1
  volumes: [{name: words, configMap: {name: words}}, {name: work, emptyDir: {}}]
  containers:
  - name: c
    image: busybox:1
    command: [sh, -c, "touch /state/healthy; exec httpd -f -p 8080 -h /www"]
    env: [{name: WORD, valueFrom: {secretKeyRef: {name: hidden, key: word}}}]
    volumeMounts: [{name: words, mountPath: /www}, {name: work, mountPath: /state}]
    livenessProbe: {exec: {command: [cat, /state/healthy]}, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1}
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1, timeoutSeconds: 30}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  nodeName: two
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "busybox:1", command: [sleep, "36000"]}]
`;

beforeAll(async () => {
  await on.cluster.kubectl.apply(manifest);
  await kubectl("wait", "--for=condition=Ready", "pod/web", "pod/client", "--timeout=150s");
});

const docker = (...args: string[]) => dockerOn(two.machine, ...args);
const running = () => podContainers(two.machine);
const inClient = async (...command: string[]) => docker("exec", (await running()).client ?? "", ...command);
/** Service, name and configuration, as a pod on the node sees them. */
const served = () =>
  eventually(async () =>
    expect(await inClient("wget", "-qO-", "http://web.default.svc.cluster.local/")).toBe("served without a server"),
  );

test("without a server a node keeps its pods, probes, restarts, Services and names going", async () => {
  await served();
  const before = await running();
  await on.cluster.stop("SIGKILL");
  await served();
  // A container that ends is started again; one whose probe fails as well.
  await docker("kill", before.web ?? "");
  await eventually(async () => expect((await running()).web).not.toBe(before.web));
  await served();
  const second = await running();
  await docker("exec", second.web ?? "", "rm", "/state/healthy");
  await eventually(async () => expect((await running()).web).not.toBe(second.web));
  await served();
  expect((await running()).client).toBe(before.client);
});

test("through a restart of its agent: no container is touched, and what happens then is answered", async () => {
  const before = await running();
  await two.agent.stop("SIGKILL");
  two.agent.start();
  await eventually(() => expect(two.agent.output()).toContain("no server answers: going on with what is remembered"));
  await served();
  expect(await running()).toEqual(before);
  await docker("kill", before.web ?? "");
  await eventually(async () => expect((await running()).web).not.toBe(before.web));
  await served();
});

test("through a reboot of the machine, from its own disk alone", async () => {
  await two.agent.stop("SIGKILL");
  await two.machine.reboot();
  two.agent.start();
  await eventually(async () => expect(Object.keys(await running()).sort()).toEqual(["client", "web"]));
  await served();
  const { web = "" } = await running();
  expect(await docker("exec", web, "sh", "-c", "echo $WORD")).toBe("s3cret\n");
  const account = "/var/run/secrets/kubernetes.io/serviceaccount";
  expect(await docker("exec", web, "ls", account)).toBe("ca.crt\nnamespace\ntoken\n");
});

test("when a server answers again they agree, and no container is restarted for it", async () => {
  const before = await running();
  await on.cluster.start();
  await untilReady(on.cluster, "two", two.agent);
  await kubectl("wait", "--for=condition=Ready", "pod/web", "pod/client", "--timeout=150s");
  await eventually(async () => {
    const { items } = await json("get", "pods");
    const shown = items.map(({ metadata, status }: { metadata: { name: string }; status: never }) => [
      metadata.name,
      (status as { containerStatuses: { containerID: string }[] }).containerStatuses[0]?.containerID,
    ]);
    expect(Object.fromEntries(shown)).toEqual({
      client: `docker://${before.client}`,
      web: `docker://${before.web}`,
    });
  });
  expect(await running()).toEqual(before);
  await eventually(async () => expect(await kubectl("exec", "web", "--", "hostname")).toBe("web\n"));
  // What was deleted meanwhile ends now.
  await kubectl("delete", "pod", "web", "client", "--grace-period=1");
  expect(await running()).toEqual({});
});
