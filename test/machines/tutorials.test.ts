import { describe, expect, test } from "vitest";
import { fixture } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { must } from "../support/run.ts";

const on = journey("tutorials", ["busybox:1", "nginx:1.25", "flask-app:1"]);
const { kubectl, json, get } = on;

describe("manifests as tutorials bring them", () => {
  test("a Deployment of nginx comes up with two replicas", async () => {
    await on.cluster.kubectl.apply(fixture("nginx-deployment.yaml"));
    await kubectl("rollout", "status", "deployment/nginx-deployment", "--timeout=150s");
    const { items } = await json("get", "pods", "-l", "app=nginx");
    expect(items).toHaveLength(2);
    for (const pod of items)
      await eventually(async () => expect(await get(`http://${pod.status.podIP}/`)).toContain("Welcome to nginx!"));
  });

  test("two containers of a pod share a volume and talk over localhost", async () => {
    await on.cluster.kubectl.apply(fixture("two-containers.yaml"));
    await kubectl("wait", "--for=condition=Ready", "pod/two-containers", "--timeout=150s");
    const page = () =>
      kubectl("exec", "two-containers", "-c", "writer-container", "--", "wget", "-qO-", "http://localhost/");
    await eventually(async () => expect(await page()).toBe("Hello from the writer container\n"));
  });

  test("a ClusterIP Service spreads requests over its pods", async () => {
    await on.cluster.kubectl.apply(fixture("clusterip-service.yaml"));
    await kubectl("rollout", "status", "deployment/my-app", "--timeout=150s");
    const { spec } = await json("get", "service", "my-clusterip-service");
    const pods = (await json("get", "pods", "-l", "app=my-app")).items.map(
      (pod: { metadata: { name: string } }) => pod.metadata.name,
    );
    await eventually(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => get(`http://${spec.clusterIP}/`)));
      expect([...new Set(answers.map((answer) => answer.trim()))].sort()).toEqual([...pods].sort());
    });
  });

  test("a Flask application is reached through a LoadBalancer at the node's address, from outside", async () => {
    await on.cluster.kubectl.apply(fixture("flask-loadbalancer.yaml"));
    await kubectl("rollout", "status", "deployment/flask-app", "--timeout=150s");
    await kubectl(
      "wait",
      "--for=jsonpath={.status.loadBalancer.ingress[0].ip}",
      "service/flask-service",
      "--timeout=150s",
    );
    const { status } = await json("get", "service", "flask-service");
    expect(status.loadBalancer.ingress[0].ip).toBe(on.machine.address);
    await eventually(async () =>
      expect(await must("curl", ["-sS", "--max-time", "5", `http://${on.machine.address}/`])).toMatch(
        /^Hello from flask-app-/,
      ),
    );
  });

  test("a guestbook of three tiers takes entries and shows them from every replica", async () => {
    await on.cluster.kubectl.apply(fixture("guestbook.yaml"));
    for (const name of ["redis-primary", "redis-replica", "frontend"])
      await kubectl("rollout", "status", `deployment/${name}`, "--timeout=150s");
    const { spec } = await json("get", "service", "frontend");
    await eventually(async () => expect(await get(`http://${spec.clusterIP}/`)).toContain("Guestbook"));
    await eventually(async () => expect(await get(`http://${spec.clusterIP}/read`)).toBe(""));
    await get(`http://${spec.clusterIP}/sign?entry=TestEntry`);
    const replicas = (await json("get", "pods", "-l", "role=replica")).items;
    for (const { status } of replicas) expect(await get(`http://${status.podIP}:6379/get`)).toBe("TestEntry");
    for (let each = 0; each < 4; each++) expect(await get(`http://${spec.clusterIP}/read`)).toBe("TestEntry");
  });

  test("deleting them leaves no pod", async () => {
    // Most of these containers do not hear that they shall end: with the usual grace that takes half a minute.
    await kubectl("delete", "deployment,service,pod", "--all", "--now", "--wait", "--timeout=150s");
    await eventually(async () => expect((await json("get", "pods")).items).toEqual([]));
  });
});
