import { describe, expect, test } from "vitest";
import type { ResourceRequirements } from "../../api/schema/types.ts";
import { aContainer, aPod } from "../testing/objects.ts";
import { containerResources, podCgroup } from "./resources.ts";

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
