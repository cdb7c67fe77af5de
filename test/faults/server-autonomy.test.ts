import { beforeAll, expect, test } from "vitest";
import { untilReady } from "../support/agent.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { dockerOn, podContainers } from "../support/pod-containers.ts";

const on = journey("one", ["busybox:1"]);
const { kubectl, json } = on;
const database = "/var/lib/skiff/server/db";

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
  terminationGracePeriodSeconds: 1
  volumes: [{name: words, configMap: {name: words}}]
  containers:
  - name: c
    image: busybox:1
    command: [httpd, -f, -p, "8080", -h, /www]
    env: [{name: WORD, valueFrom: {secretKeyRef: {name: hidden, key: word}}}]
    volumeMounts: [{name: words, mountPath: /www}]
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1, timeoutSeconds: 30}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: "busybox:1", command: [sleep, "36000"]}]
`;

beforeAll(async () => {
  await on.cluster.kubectl.apply(manifest);
  await kubectl("wait", "--for=condition=Ready", "pod/web", "pod/client", "--timeout=150s");
});

const docker = (...args: string[]) => dockerOn(on.machine, ...args);
const running = () => podContainers(on.machine);
/** Service, name and configuration, as a pod on the node sees them. */
const served = () =>
  eventually(async () => {
    const { client = "" } = await running();
    const answer = await docker("exec", client, "wget", "-qO-", "http://web.default.svc.cluster.local/");
    expect(answer).toBe("served without a server");
  });
const saysThatItGoesOn = (why: RegExp) =>
  eventually(() => {
    expect(on.cluster.output()).toContain("the server cannot start yet; its node goes on with what it remembers");
    expect(on.cluster.output()).toMatch(why);
  });
/** The API shows the pods with the containers that ran while it did not answer. */
const agreed = async (containers: Record<string, string>) => {
  await untilReady(on.cluster, "one");
  await eventually(async () => {
    const { items } = await json("get", "pods");
    const shown = items.map((pod: { metadata: { name: string }; status: { containerStatuses: object[] } }) => [
      pod.metadata.name,
      pod.status.containerStatuses[0],
    ]);
    expect(Object.fromEntries(shown)).toMatchObject({
      client: { ready: true, containerID: `docker://${containers.client}` },
      web: { ready: true, containerID: `docker://${containers.web}` },
    });
  });
  expect(await running()).toEqual(containers);
  await eventually(async () => expect(await kubectl("exec", "web", "--", "hostname")).toBe("web\n"));
};

test("after a reboot without the disk of the database the server's own pods come up; with it all agrees", async () => {
  await on.cluster.stop("SIGKILL");
  await on.machine.reboot();
  await on.machine.must("mv", [database, "/var/lib/skiff/not-mounted"]);
  on.cluster.launch();
  await saysThatItGoesOn(/state\.db is not there, although this device is a node of that cluster: mount the disk/);
  await eventually(async () => expect(Object.keys(await running()).sort()).toEqual(["client", "web"]));
  await served();
  const before = await running();
  expect(await docker("exec", before.web ?? "", "sh", "-c", "echo $WORD")).toBe("s3cret\n");
  // What ends is started again.
  await docker("kill", before.web ?? "");
  await eventually(async () => expect((await running()).web).not.toBe(before.web));
  await served();

  const containers = await running();
  await on.machine.must("mv", ["/var/lib/skiff/not-mounted", database]);
  await eventually(() => expect(on.cluster.output()).toContain("the server has started after all"));
  await agreed(containers);
});

test("with a database that cannot be read and no copy of it nothing ends, until somebody puts a good one in its place", async () => {
  const containers = await running();
  await on.cluster.stop();
  await on.machine.must("cp", [`${database}/state.db`, "/var/lib/skiff/good"]);
  await on.machine.must("sh", ["-c", `echo no database, and longer than that >${database}/state.db`]);
  on.cluster.launch();
  await saysThatItGoesOn(/state\.db is not a database/);
  await served();
  expect(await running()).toEqual(containers);
  // Whole at once: the server looks at any time.
  await on.machine.must("mv", ["/var/lib/skiff/good", `${database}/state.db`]);
  await agreed(containers);
});

test("a node that remembers nothing has nothing to go on with: the start ends with the sentence", async () => {
  const containers = await running();
  await on.cluster.stop();
  await on.machine.must("sh", ["-c", `mv ${database}/state.db /var/lib/skiff/good`]);
  await on.machine.must("sh", ["-c", "rm -r /var/lib/skiff/agent/recollection"]);
  await on.machine.must("sh", ["-c", `echo no database, and longer than that >${database}/state.db`]);
  // Nothing is remembered: whoever starts it is told, and systemd tries again.
  await expect(on.cluster.start()).rejects.toThrow(/skiff: .*state\.db is not a database/);
  await on.machine.must("mv", ["/var/lib/skiff/good", `${database}/state.db`]);
  await on.cluster.start();
  await agreed(containers);
});
