import { describe, expect, test } from "vitest";
import type { ResourceRequirements } from "../../api/schema/types.ts";
import { aContainer, aPod } from "../testing/objects.ts";
import { cgroupLimitsOf, containerResources, podCgroup } from "./resources.ts";

const gibibyte = 2 ** 30;
const of = (resources: ResourceRequirements) => {
  const container = aContainer({ resources });
  const pod = aPod({ spec: { containers: [container] } });
  return { cgroup: podCgroup(pod), ...containerResources(pod, container, 4 * gibibyte) };
};

describe("a container's limits", () => {
  test("without requests: least of the processor, first to be killed", () => {
    expect(of({})).toEqual({
      cgroup: "/kubepods/besteffort/podu1",
      memoryLimitBytes: 0,
      cpuShares: 2,
      oomScoreAdj: 1000,
    });
  });
  test("with requests: shares, and a score by the share of memory", () => {
    expect(of({ requests: { cpu: "250m", memory: "1Gi" } })).toEqual({
      cgroup: "/kubepods/burstable/podu1",
      memoryLimitBytes: 0,
      cpuShares: 256,
      oomScoreAdj: 750,
    });
  });
  test("with equal requests and limits: guaranteed", () => {
    expect(of({ requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1", memory: "1Gi" } })).toEqual({
      cgroup: "/kubepods/podu1",
      memoryLimitBytes: gibibyte,
      cpuShares: 1024,
      cpuQuotaUs: 100_000,
      cpuPeriodUs: 100_000,
      oomScoreAdj: -997,
    });
  });
});

describe("a pod that asks for something as a whole", () => {
  const pod = aPod({
    spec: {
      resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { cpu: "2", memory: "3Gi" } },
      containers: [
        aContainer({ name: "a", resources: { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } } }),
        aContainer({ name: "b" }),
      ],
    },
  });

  test("limits each container as a whole where it has no limit of its own", () => {
    const [a, b] = pod.spec.containers.map((container) => containerResources(pod, container, 4 * gibibyte));
    expect(a).toMatchObject({ memoryLimitBytes: gibibyte, cpuQuotaUs: 200_000 });
    expect(b).toMatchObject({ memoryLimitBytes: 3 * gibibyte, cpuQuotaUs: 200_000 });
  });

  test("shares out what no container claims when the kernel looks for whom to kill", () => {
    const [a, b] = pod.spec.containers.map((container) => containerResources(pod, container, 4 * gibibyte));
    expect([a?.oomScoreAdj, b?.oomScoreAdj]).toEqual([625, 875]);
  });

  test("is limited together", () => {
    expect(cgroupLimitsOf(pod)).toEqual({
      cpuShares: 1024,
      cpuQuotaUs: 200_000,
      cpuPeriodUs: 100_000,
      memoryLimitBytes: 3 * gibibyte,
    });
  });
});

describe("the limits of a pod's containers together", () => {
  const limited = (memory: string) => ({ requests: { cpu: "100m", memory }, limits: { memory } });
  test("count sidecars, and hold only where all have one", () => {
    const sidecar = aContainer({ name: "proxy", restartPolicy: "Always", resources: limited("256Mi") });
    const spec = { initContainers: [sidecar], containers: [aContainer({ resources: limited("256Mi") })] };
    expect(cgroupLimitsOf(aPod({ spec }))).toEqual({ cpuShares: 204, memoryLimitBytes: gibibyte / 2 });
    expect(cgroupLimitsOf(aPod({ spec: { ...spec, initContainers: [aContainer({ name: "first" })] } }))).toEqual({
      cpuShares: 102,
    });
  });

  test("say how many huge pages it may use, where the machine has some", () => {
    const pod = aPod({ spec: { containers: [aContainer({ resources: { limits: { "hugepages-2Mi": "4Mi" } } })] } });
    const there = { "hugepages-2Mi": "64Mi", "hugepages-1Gi": "0" };
    expect(cgroupLimitsOf(pod, there).hugePageBytes).toEqual({ "2MB": 4 * 1024 * 1024 });
    expect(cgroupLimitsOf(aPod(), there).hugePageBytes).toEqual({ "2MB": 0 });
    expect(cgroupLimitsOf(pod, {}).hugePageBytes).toBeUndefined();
  });

  test("a sidecar is killed no sooner than those that it serves", () => {
    const sidecar = aContainer({ name: "proxy", restartPolicy: "Always" });
    const pod = aPod({
      spec: { initContainers: [sidecar], containers: [aContainer({ resources: { requests: { memory: "1Gi" } } })] },
    });
    expect(containerResources(pod, sidecar, 4 * gibibyte).oomScoreAdj).toBe(750);
  });
});
