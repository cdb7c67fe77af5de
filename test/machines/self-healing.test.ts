import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const on = journey("healing", ["busybox:1"]);
const { kubectl, json, get } = on;
const docker = (...args: string[]) => on.machine.must("docker", ["-H", "unix:///run/docker.sock", ...args]);
const apply = (manifest: string) => on.cluster.kubectl.apply(manifest);
const container = async (pod: string) => (await json("get", "pod", pod)).status.containerStatuses[0];
const idOf = async (pod: string) => (await container(pod)).containerID.replace("docker://", "");

describe("a container that goes away behind skiff's back", () => {
  test.each([
    ["killed", ["kill"]],
    ["removed", ["rm", "-f"]],
  ])("%s comes back, counted as a restart", async (what, command) => {
    await kubectl("run", what, "--image=busybox:1", "--", "sleep", "3600");
    await kubectl("wait", "--for=condition=Ready", `pod/${what}`, "--timeout=150s");
    const before = await idOf(what);
    await docker(...command, before);
    await eventually(async () => {
      const status = await container(what);
      expect(status).toMatchObject({ restartCount: 1, ready: true, state: { running: {} } });
      expect(status.containerID).not.toContain(before);
    });
    await kubectl("delete", "pod", what, "--grace-period=1");
  });

  test("one that keeps ending waits longer each time: CrashLoopBackOff", async () => {
    await kubectl("run", "crasher", "--image=busybox:1", "--", "sh", "-c", "exit 3");
    await eventually(async () => {
      const status = await container("crasher");
      expect(status.state.waiting).toMatchObject({
        reason: "CrashLoopBackOff",
        message: expect.stringMatching(/^back-off \d+s restarting failed container=crasher pod=crasher_default\(/),
      });
      expect(status.lastState.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
      expect(status.restartCount).toBeGreaterThanOrEqual(1);
    });
    await eventually(async () =>
      expect(await kubectl("events", "--for", "pod/crasher")).toMatch(
        /Warning +BackOff .*Back-off restarting failed container crasher in pod crasher_default/,
      ),
    );
    await kubectl("delete", "pod", "crasher", "--grace-period=1");
  });
});

test("a deleted pod of a Deployment is replaced", async () => {
  await kubectl("create", "deployment", "keeper", "--image=busybox:1", "--", "sleep", "3600");
  await kubectl("rollout", "status", "deployment/keeper", "--timeout=150s");
  const [before] = (await json("get", "pods", "-l", "app=keeper")).items;
  await kubectl("delete", "pod", before.metadata.name, "--grace-period=1");
  await kubectl("rollout", "status", "deployment/keeper", "--timeout=150s");
  await eventually(async () => {
    const { items } = await json("get", "pods", "-l", "app=keeper");
    expect(items).toHaveLength(1);
    expect(items[0].metadata.uid).not.toBe(before.metadata.uid);
    expect(items[0].status.containerStatuses[0].ready).toBe(true);
  });
  await kubectl("delete", "deployment", "keeper");
});

describe("probes", () => {
  test("a failing liveness probe restarts the container and says so", async () => {
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: liveness}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: busybox:1
    command: [sh, -c, "touch /tmp/healthy; sleep 3600"]
    startupProbe: {exec: {command: [cat, /tmp/healthy]}, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 60}
    livenessProbe: {exec: {command: [cat, /tmp/healthy]}, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 2}
`);
    await kubectl("wait", "--for=condition=Ready", "pod/liveness", "--timeout=150s");
    await kubectl("exec", "liveness", "--", "rm", "/tmp/healthy");
    await eventually(async () => expect((await container("liveness")).restartCount).toBe(1));
    await eventually(async () => {
      const events = await kubectl("events", "--for", "pod/liveness");
      expect(events).toMatch(/Warning +Unhealthy .*Liveness probe failed: cat: can't open '\/tmp\/healthy'/);
      expect(events).toMatch(/Normal +Killing .*Container c failed liveness probe, will be restarted/);
    });
    await kubectl("delete", "pod", "liveness", "--grace-period=1");
  });

  test("a failing readiness probe takes the pod out of its Service, and back in", async () => {
    await apply(`
apiVersion: v1
kind: Pod
metadata: {name: readiness, labels: {app: readiness}}
spec:
  containers:
  - name: c
    image: busybox:1
    command: [sh, -c, "mkdir /www; echo up > /www/index.html; touch /tmp/ready; exec httpd -f -p 8080 -h /www"]
    readinessProbe: {exec: {command: [cat, /tmp/ready]}, periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1}
---
apiVersion: v1
kind: Service
metadata: {name: readiness}
spec: {selector: {app: readiness}, ports: [{port: 80, targetPort: 8080}]}
`);
    await kubectl("wait", "--for=condition=Ready", "pod/readiness", "--timeout=150s");
    const { clusterIP } = (await json("get", "service", "readiness")).spec;
    const served = () => get(`http://${clusterIP}/`);
    await eventually(async () => expect(await served()).toBe("up\n"));
    await kubectl("exec", "readiness", "--", "rm", "/tmp/ready");
    // curl's exit code 7: refused at once, not left waiting.
    await eventually(async () => await expect(served()).rejects.toThrow("exit code 7"));
    await kubectl("exec", "readiness", "--", "touch", "/tmp/ready");
    await eventually(async () => expect(await served()).toBe("up\n"));
    await kubectl("delete", "pod,service", "readiness", "--grace-period=1");
  });
});

test("an init container that fails is tried again until it succeeds", async () => {
  await apply(`
apiVersion: v1
kind: Pod
metadata: {name: init}
spec:
  volumes: [{name: work, emptyDir: {}}]
  initContainers:
  - {name: prepare, image: "busybox:1", command: [sh, -c, "[ -f /work/tried ] && exit 0; touch /work/tried; exit 1"], volumeMounts: [{name: work, mountPath: /work}]}
  containers:
  - {name: main, image: "busybox:1", command: [sleep, "3600"]}
`);
  await kubectl("wait", "--for=condition=Ready", "pod/init", "--timeout=150s");
  const { status } = await json("get", "pod", "init");
  expect(status.initContainerStatuses[0]).toMatchObject({
    restartCount: 1,
    ready: true,
    state: { terminated: { exitCode: 0, reason: "Completed" } },
  });
  await kubectl("delete", "pod", "init", "--grace-period=1");
});
