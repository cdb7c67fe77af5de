import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const on = journey("rollouts", ["busybox:1"], { as: { "busybox:1": ["busybox:2"] } });
const { kubectl, json } = on;
/** The new pods are there, and the old ones have ended. */
const settled = async () => {
  await kubectl("rollout", "status", "deployment/web", "--timeout=150s");
  await eventually(async () => expect((await json("get", "pods", "-l", "app=web")).items).toHaveLength(3));
};

beforeAll(async () => {
  await on.cluster.kubectl.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: c
        image: busybox:1
        command: [sh, -c, "trap 'exit 0' TERM; mkdir /www; hostname > /www/index.html; httpd -f -p 8080 -h /www & wait"]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1, timeoutSeconds: 30}
        lifecycle: {preStop: {exec: {command: [sleep, "15"]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}
`);
  await settled();
});

/** Asks the Service again and again, from the node, while `work` runs; the answers that were no success. */
async function underLoad(work: () => Promise<unknown>): Promise<{ asked: number; failures: string[] }> {
  const { clusterIP } = (await json("get", "service", "web")).spec;
  const failures: string[] = [];
  const state = { asked: 0, busy: true };
  const client = async () => {
    while (state.busy) {
      const { code, stderr } = await on.machine.run("curl", [
        "-sS",
        "-f",
        "-o",
        "/dev/null",
        "--max-time",
        "60",
        `http://${clusterIP}/`,
      ]);
      state.asked++;
      if (code !== 0) failures.push(stderr);
    }
  };
  const clients = [client(), client()];
  try {
    await work();
  } finally {
    state.busy = false;
    await Promise.all(clients);
  }
  return { asked: state.asked, failures };
}

describe("under constant load not one request fails during", () => {
  test("a rolling update", async () => {
    const { asked, failures } = await underLoad(async () => {
      await kubectl("set", "image", "deployment/web", "c=busybox:2");
      await settled();
    });
    expect(failures).toEqual([]);
    expect(asked).toBeGreaterThan(10);
  });

  test("rollout undo", async () => {
    const { failures } = await underLoad(async () => {
      await kubectl("rollout", "undo", "deployment/web");
      await settled();
    });
    expect(failures).toEqual([]);
    expect(await kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")).toBe(
      "busybox:1",
    );
  });

  test("rollout restart", async () => {
    const { failures } = await underLoad(async () => {
      await kubectl("rollout", "restart", "deployment/web");
      await settled();
    });
    expect(failures).toEqual([]);
  });
});
