import { beforeAll, describe, expect, test } from "vitest";
import type { Container, Pod } from "../../src/api/schema/types.ts";
import { openApi } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { aPod, main } from "../support/pods.ts";

// What becomes of a pod that is changed while it runs, of its class and of its node's taints, with real containers.
const on = journey("changes", ["busybox:1"]);
const { kubectl, json, fails, apply, ready } = on;

const podNamed = (name: string): Promise<Pod> => json("get", "pod", name);
const patch = (name: string, change: object, ...more: string[]) =>
  kubectl("patch", "pod", name, "-p", JSON.stringify(change), ...more);

describe("a pod that is changed", () => {
  const resources = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
  const three = (...amounts: [string, string][]) =>
    amounts.map(([cpu, memory], at) => main({ name: `c${at}`, resources: resources(cpu, memory) }));
  beforeAll(() =>
    apply(
      aPod("counted", {}, { generation: 100 }),
      aPod("timed", { activeDeadlineSeconds: 3600, restartPolicy: "Never" }),
      aPod("looked-into"),
      aPod("resized", { containers: three(["100m", "32Mi"], ["100m", "32Mi"], ["100m", "32Mi"]) }),
      aPod("swept-1", {}, { labels: { swept: "yes" } }),
      aPod("swept-2", {}, { labels: { swept: "yes" } }),
    ),
  );

  test("counts its generations from one, and the node follows", async () => {
    await ready("counted");
    expect((await podNamed("counted")).metadata.generation).toBe(1);
    await kubectl("label", "pod", "counted", "no=generation");
    expect((await podNamed("counted")).metadata.generation).toBe(1);
    const tolerations = (await podNamed("counted")).spec.tolerations ?? [];
    const api = openApi(on.cluster.kubeconfig);
    for (let at = 1; at <= 60; at++) {
      tolerations.push({ key: `key-${at}`, operator: "Exists" });
      const { status } = await api.request(
        "PATCH",
        "/api/v1/namespaces/default/pods/counted",
        { spec: { tolerations } },
        "application/merge-patch+json",
      );
      expect(status).toBe(200);
    }
    await eventually(async () => {
      const { metadata, status } = await podNamed("counted");
      expect([metadata.generation, status?.observedGeneration]).toEqual([61, 61]);
      expect(status?.conditions?.map(({ observedGeneration }) => observedGeneration)).toEqual([61, 61, 61, 61, 61]);
    });
  });

  test("ends at a deadline that is brought forward", async () => {
    await ready("timed");
    await patch("timed", { spec: { activeDeadlineSeconds: 1 } });
    await eventually(async () =>
      expect((await podNamed("timed")).status).toMatchObject({ phase: "Failed", reason: "DeadlineExceeded" }),
    );
  });

  test("takes in one container after the other to look into it", async () => {
    await ready("looked-into");
    const look = (name: string) => ({ name, image: "busybox:1", command: ["sleep", "3600"] });
    for (const all of [[look("first")], [look("first"), look("second")]]) {
      await patch("looked-into", { spec: { ephemeralContainers: all } }, "--subresource=ephemeralcontainers");
      await eventually(async () => {
        const running = (await podNamed("looked-into")).status?.ephemeralContainerStatuses ?? [];
        expect(running.map(({ name, state }) => [name, Boolean(state?.running)])).toEqual(
          all.map(({ name }) => [name, true]),
        );
      });
    }
  });

  test("is resized as a whole, up here and down there, however the amounts are written", async () => {
    await ready("resized");
    const api = openApi(on.cluster.kubeconfig);
    const path = "/api/v1/namespaces/default/pods/resized";
    for (const amounts of [
      [
        ["0.2", "48Mi"],
        ["150m", "40Mi"],
        ["50m", "24Mi"],
      ],
      [
        ["200m", "49152Ki"],
        ["0.15", "41943040"],
        ["0.05", "24Mi"],
      ],
      [
        ["50m", "32Mi"],
        ["250m", "32Mi"],
        ["100m", "64Mi"],
      ],
    ] as [string, string][][]) {
      const { body } = await api.request("GET", path);
      body.spec.containers = body.spec.containers.map((container: Container, at: number) => ({
        ...container,
        resources: resources(...(amounts[at] ?? ["", ""])),
      }));
      expect((await api.request("PUT", `${path}/resize`, body)).status).toBe(200);
      await eventually(async () => {
        const { metadata, status } = await podNamed("resized");
        expect(status?.observedGeneration).toBe(metadata.generation);
        expect(status?.conditions?.map(({ type }) => type)).not.toContain("PodResizeInProgress");
        const actual = status?.containerStatuses?.map(({ resources: has, restartCount }) => [
          has?.limits,
          restartCount,
        ]);
        const wanted = (await podNamed("resized")).spec.containers.map(({ resources: asks }) => [asks?.limits, 0]);
        expect(actual).toEqual(wanted);
      });
    }
  });

  test("goes with all that bear a label", async () => {
    await ready("swept-1", "swept-2");
    const api = openApi(on.cluster.kubeconfig);
    const { status } = await api.request("DELETE", "/api/v1/namespaces/default/pods?labelSelector=swept%3Dyes");
    expect(status).toBe(200);
    await eventually(async () => expect(await kubectl("get", "pods", "-l", "swept=yes", "-o", "name")).toBe(""));
  });
});

describe("a RuntimeClass", () => {
  test("that is not there is no class for a pod", async () => {
    const pod = JSON.stringify(aPod("classless", { runtimeClassName: "absent" }));
    const { stderr } = await on.cluster.kubectl.run(["create", "-f", "-"], { input: pod });
    expect(stderr).toContain('pods "classless" is forbidden: pod rejected: RuntimeClass "absent" not found');
  });

  test("says with which of the node's runtimes a pod runs, and what that takes", async () => {
    const runtimeClass = (name: string, handler: string) => ({
      apiVersion: "node.k8s.io/v1",
      kind: "RuntimeClass",
      metadata: { name },
      handler,
      overhead: { podFixed: { cpu: "10m", memory: "1Mi" } },
    });
    await apply(runtimeClass("usual", "runc"), runtimeClass("unknown", "nowhere"));
    await apply(aPod("usual", { runtimeClassName: "usual" }), aPod("unknown", { runtimeClassName: "unknown" }));
    await ready("usual");
    expect((await podNamed("usual")).spec.overhead).toEqual({ cpu: "10m", memory: "1Mi" });
    await eventually(async () =>
      expect(await kubectl("events", "--for", "pod/unknown")).toMatch(/FailedCreatePodSandBox .*nowhere/),
    );
    expect(await fails("exec", "unknown", "--", "true")).toMatch(/unable to upgrade|not found|not running/);
  });
});

test("a pod that asks for users of its own is not run without them", async () => {
  await apply(aPod("remapped", { hostUsers: false }));
  await eventually(async () =>
    expect(await kubectl("events", "--for", "pod/remapped")).toMatch(
      /FailedCreatePodSandBox .*can't set `spec.hostUsers: false`, runtime does not support user namespaces/,
    ),
  );
});

test("a NoExecute taint ends those that do not bear it, when their time is over", async () => {
  const bears = (name: string, tolerationSeconds: number) =>
    aPod(name, { tolerations: [{ key: "gone", operator: "Exists", effect: "NoExecute", tolerationSeconds }] });
  await apply(bears("soon", 1), bears("late", 3600));
  await ready("soon", "late");
  await kubectl("taint", "node", "changes", "gone=yes:NoExecute");
  await eventually(() => fails("get", "pod", "soon"));
  expect((await podNamed("late")).metadata.deletionTimestamp).toBeUndefined();
  await kubectl("taint", "node", "changes", "gone-");
  expect((await podNamed("late")).status?.phase).toBe("Running");
});

test("a critical pod that is bound to a full node takes another's place", async () => {
  await kubectl("delete", "pods", "--all", "--grace-period=0", "--force");
  const asking = (name: string, cpu: string, spec: object = {}) =>
    aPod(name, { nodeName: "changes", containers: [main({ resources: { requests: { cpu } } })], ...spec });
  const cores = Number((await json("get", "node", "changes")).status.allocatable.cpu);
  await apply(asking("large", "1"), asking("small", "100m"));
  await ready("large", "small");
  await apply(asking("vital", String(cores - 0.5), { priorityClassName: "system-node-critical" }));
  await ready("vital");
  expect((await podNamed("small")).status?.phase).toBe("Running");
  await eventually(async () => {
    const { status } = await podNamed("large");
    expect(status).toMatchObject({
      phase: "Failed",
      reason: "Preempting",
      message: "Preempted in order to admit critical pod",
    });
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: "DisruptionTarget", reason: "TerminationByKubelet" }),
    );
  });
  await apply(asking("plain", "1"));
  await eventually(async () => expect((await podNamed("plain")).status?.reason).toBe("OutOfcpu"));
});
