import { describe, expect, test } from "vitest";
import type { Container } from "../../api/schema/types.ts";
import { aContainer, aPod, exited, running } from "../testing/objects.ts";
import { allocationBefore, appliedResources, resizesOf, wantedAllocation, withAllocation } from "./resize.ts";

const of = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
const asking = (cpu: string, memory: string, over: Partial<Container> = {}) =>
  aPod({ spec: { containers: [aContainer({ resources: of(cpu, memory), ...over })] } });
const has = (cpuMilli: number, mebibytes: number) => ({
  cpuShares: Math.floor((cpuMilli * 1024) / 1000),
  cpuQuotaUs: cpuMilli * 100,
  memoryLimitBytes: mebibytes * 2 ** 20,
});

describe("which containers are to be changed", () => {
  const onMemory = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
  test.each<[name: string, pod: ReturnType<typeof aPod>, containers: Parameters<typeof resizesOf>[1], then: boolean[]]>(
    [
      ["none that has what it was given", asking("100m", "32Mi"), [running({ resources: has(100, 32) })], []],
      ["one that has less processor", asking("200m", "32Mi"), [running({ resources: has(100, 32) })], [false]],
      ["one that has more memory", asking("100m", "16Mi"), [running({ resources: has(100, 32) })], [false]],
      [
        "one that wants to be restarted for memory, for memory",
        asking("100m", "16Mi", { resizePolicy: onMemory }),
        [running({ resources: has(100, 32) })],
        [true],
      ],
      [
        "the same while it runs, for processors",
        asking("200m", "32Mi", { resizePolicy: onMemory }),
        [running({ resources: has(100, 32) })],
        [false],
      ],
      ["none that does not run", asking("200m", "32Mi"), [exited(0, { resources: has(100, 32) })], []],
      ["equal amounts in other words", asking("0.1", "32768Ki"), [running({ resources: has(100, 32) })], []],
    ],
  )("%s", (_, pod, containers, then) =>
    expect(resizesOf(pod, containers).map(({ restarts }) => restarts)).toEqual(then),
  );
});

describe("what a pod was given", () => {
  const waiting = {
    conditions: [{ type: "PodResizePending", status: "True" }],
    containerStatuses: [
      { name: "main", image: "", imageID: "", ready: true, restartCount: 0, resources: of("100m", "32Mi") },
    ],
  };
  test("is what it asks for, unless a resize waits: then it is what its status shows", () => {
    expect(allocationBefore(asking("4", "32Mi")).get("main")).toEqual(of("4", "32Mi"));
    expect(allocationBefore({ ...asking("4", "32Mi"), status: waiting }).get("main")).toEqual(of("100m", "32Mi"));
  });

  test("takes the place of what it asks for", () => {
    const pod = asking("4", "32Mi");
    expect(withAllocation(pod, wantedAllocation(pod))).toBe(pod);
    const given = withAllocation(pod, new Map([["main", of("100m", "32Mi")]]));
    expect(given.spec.containers[0]?.resources).toEqual(of("100m", "32Mi"));
  });

  test("is shown when the container has it, and until then what it had", () => {
    const pod = { ...asking("200m", "32Mi"), status: waiting };
    const shown = (cpuMilli: number) =>
      appliedResources(pod, {
        name: "main",
        given: of("200m", "32Mi"),
        running: running({ resources: has(cpuMilli, 32) }),
      });
    expect(shown(100)).toEqual(of("100m", "32Mi"));
    expect(shown(200)).toEqual(of("200m", "32Mi"));
  });
});
