import { describe, expect, test } from "vitest";
import type { Container, ContainerStatus, PodSpec } from "../api/schema/types.ts";
import { podInfoFrom } from "./pod-info.ts";
import { aPod } from "./testing/objects.ts";

const asking = (name: string, cpu: string, more: Partial<Container> = {}): Container => ({
  name,
  resources: { requests: { cpu } },
  ...more,
});
const sidecar = { restartPolicy: "Always" };

describe("what a pod counts for", () => {
  test.each<[name: string, spec: PodSpec, cpu: number]>([
    ["its containers together", { containers: [asking("a", "1"), asking("b", "500m")] }, 1500],
    [
      "the largest init container, when that is more",
      { containers: [asking("a", "1")], initContainers: [asking("i", "2"), asking("j", "3")] },
      3000,
    ],
    [
      "sidecars beside the containers",
      { containers: [asking("a", "1")], initContainers: [asking("s", "1", sidecar), asking("i", "500m")] },
      2000,
    ],
    [
      "an init container beside the sidecars that were started before it, not those after",
      {
        containers: [asking("a", "100m")],
        initContainers: [asking("s", "1", sidecar), asking("i", "2"), asking("t", "1", sidecar)],
      },
      3000,
    ],
    [
      "what it asks for as a whole, instead",
      { containers: [asking("a", "1")], resources: { requests: { cpu: "250m" } } },
      250,
    ],
    ["its overhead on top", { containers: [asking("a", "1")], overhead: { cpu: "100m" } }, 1100],
    ["fractions of a thousandth rounded up", { containers: [asking("a", "100u")] }, 1],
  ])("is %s", (_, spec, cpu) => {
    expect(podInfoFrom({ ...aPod(), spec }).requests.get("cpu")).toBe(cpu);
  });

  const has = (requested: string, allocated = requested): ContainerStatus => ({
    name: "a",
    image: "",
    imageID: "",
    ready: true,
    restartCount: 0,
    resources: { requests: { cpu: requested } },
    allocatedResources: { cpu: allocated },
  });
  test.each<[name: string, asked: string, given: ContainerStatus, reason: string, cpu: number]>([
    ["what it asks for while it gets more", "2", has("1"), "Deferred", 2000],
    ["what it still has while it gets less", "1", has("2"), "Deferred", 2000],
    ["what it was promised already", "1", has("1", "3"), "Deferred", 3000],
    ["what it has when its node can never give it more", "5", has("1"), "Infeasible", 1000],
  ])("is %s", (_, asked, given, reason, cpu) => {
    const pod = aPod({ cpu: asked });
    const containers = pod.spec.containers.map((each) => ({ ...each, name: "a" }));
    const conditions = [{ type: "PodResizePending", status: "True", reason }];
    const status = { containerStatuses: [given], conditions };
    expect(podInfoFrom({ ...pod, spec: { ...pod.spec, containers }, status }).requests.get("cpu")).toBe(cpu);
  });

  test.each<[name: string, spec: PodSpec, assumed: { cpu: number; memory: number }]>([
    [
      "a little for containers that say nothing",
      { containers: [asking("a", "1"), { name: "b" }] },
      { cpu: 1100, memory: 400 * 2 ** 20 },
    ],
    [
      "nothing for containers that ask for nothing on purpose",
      { containers: [asking("a", "0")] },
      { cpu: 0, memory: 200 * 2 ** 20 },
    ],
    [
      "nothing more than the pod asks for as a whole",
      { containers: [{ name: "a" }, { name: "b" }], resources: { requests: { cpu: "1" } } },
      { cpu: 1000, memory: 400 * 2 ** 20 },
    ],
  ])("is taken for %s", (_, spec, assumed) => {
    expect(podInfoFrom({ ...aPod(), spec }).assumed).toEqual(assumed);
  });
});
