import { describe, expect, test } from "vitest";
import type { PodSpec } from "../../api/schema/types.ts";
import { aContainer, aPod } from "../testing/objects.ts";
import { evictionMessage, type PodUse, rankForEviction, shortagesIn } from "./decide.ts";
import { limitsWriting, overwritten } from "./local-storage.ts";

const mebi = 2 ** 20;
const uses = (name: string, used: number, spec: Partial<PodSpec> = {}): PodUse => ({
  pod: aPod({ name, spec }),
  used,
  containers: [{ name: "main", used }],
});
const asking = (memory: string) => ({ containers: [aContainer({ resources: { requests: { memory } } })] });

describe("what is short", () => {
  test.each<[name: string, signal: Parameters<typeof shortagesIn>[0], conditions: string[]]>([
    ["nothing, with enough of all", new Map([["nodefs.available", { available: 6, capacity: 100 }]]), []],
    ["the disk", new Map([["nodefs.available", { available: 4, capacity: 100 }]]), ["DiskPressure"]],
    ["memory", new Map([["memory.available", { available: 90 * mebi, capacity: 4096 * mebi }]]), ["MemoryPressure"]],
    [
      "not memory, on a small device",
      new Map([["memory.available", { available: 40 * mebi, capacity: 512 * mebi }]]),
      [],
    ],
    ["no inodes where none are counted", new Map([["nodefs.inodesFree", { available: 0, capacity: 0 }]]), []],
  ])("%s", (_, signals, conditions) =>
    expect(shortagesIn(signals).map(({ condition }) => condition)).toEqual(conditions),
  );
});

describe("who is evicted", () => {
  test("first who uses more than it asked for, then who matters less, then who uses most", () => {
    const ranked = rankForEviction("memory", [
      uses("modest", 50 * mebi, asking("100Mi")),
      uses("important", 300 * mebi, { priority: 10 }),
      uses("large", 200 * mebi),
      uses("small", 10 * mebi),
      uses("critical", 900 * mebi, { priority: 2_000_000_000 }),
    ]);
    expect(ranked.map(({ pod }) => pod.metadata.name)).toEqual(["large", "small", "important", "modest"]);
  });

  test("is told why", () => {
    const [shortage] = shortagesIn(new Map([["memory.available", { available: 50 * mebi, capacity: 4096 * mebi }]]));
    expect(evictionMessage(shortage!, uses("large", 200 * mebi, asking("20Mi")))).toBe(
      "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. " +
        "Container main was using 200Mi, request is 20Mi, has larger consumption of memory. ",
    );
  });
});

describe("what a pod may write", () => {
  const volumes = [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }];
  const limited = { containers: [aContainer({ resources: { limits: { "ephemeral-storage": "2Mi" } } })] };
  test.each<[name: string, spec: Partial<PodSpec>, written: [number, number], why: string | undefined]>([
    ["less than its limits", { volumes, ...limited }, [mebi, mebi], undefined],
    ["too much into a volume", { volumes }, [mebi + 1, 0], 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '],
    [
      "too much together",
      { volumes, ...limited },
      [mebi, mebi + 1],
      "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ",
    ],
    [
      "too much in one container",
      { containers: [...limited.containers, aContainer({ name: "free" })] },
      [0, 3 * mebi],
      'Container main exceeded its local ephemeral storage limit "2Mi". ',
    ],
  ])("%s", (_, spec, [volume, container], why) => {
    const pod = aPod({ spec });
    expect(limitsWriting(pod)).toBe(true);
    expect(overwritten(pod, { emptyDirs: new Map([["v", volume]]), containers: new Map([["main", container]]) })).toBe(
      why,
    );
  });

  test("is measured only where something limits it", () => {
    const inMemory = [{ name: "m", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } }];
    expect(limitsWriting(aPod({ spec: { volumes: inMemory } }))).toBe(false);
  });
});
