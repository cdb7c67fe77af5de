import { expect, test } from "vitest";
import { openAllocations } from "../allocations.ts";
import { aContainer, aPod } from "../testing/objects.ts";
import { rejectionOf } from "./admission.ts";

const node = () => openAllocations(() => ({ cpu: "2", memory: "1Gi", pods: "2" }));
const calm = () => new Set<string>();
const withSysctl = (name: string, spec: object = {}) =>
  aPod({ spec: { securityContext: { sysctls: [{ name, value: "1" }] }, ...spec } });
const asking = (cpu: string) => aPod({ spec: { containers: [aContainer({ resources: { requests: { cpu } } })] } });

test.each<[name: string, pod: ReturnType<typeof aPod>, message: string | undefined]>([
  ["a pod that fits", asking("2"), undefined],
  ["a safe sysctl", withSysctl("net.ipv4.tcp_syncookies"), undefined],
  ["a safe sysctl written with slashes", withSysctl("net/ipv4/tcp_syncookies"), undefined],
  ["an unsafe sysctl", withSysctl("kernel.msgmax"), 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
  [
    "a sysctl of the node's own network",
    withSysctl("net.ipv4.tcp_syncookies", { hostNetwork: true }),
    'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
  ],
  [
    "too many processors",
    asking("3"),
    "Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
  ],
])("judges %s", (_, pod, message) =>
  expect(rejectionOf(pod, { allocations: node(), pressure: calm })?.message).toBe(message),
);

test("counts what other pods have, and how many they are", () => {
  const allocations = node();
  allocations.hold("other", asking("1500m").spec);
  expect(rejectionOf(asking("1"), { allocations, pressure: calm })).toMatchObject({ reason: "OutOfcpu" });
  allocations.hold("third", asking("100m").spec);
  expect(rejectionOf(aPod(), { allocations, pressure: calm })).toMatchObject({ reason: "OutOfpods" });
});

test("sends no pod away that was taken before", () => {
  const pod = { ...withSysctl("kernel.msgmax"), status: { startTime: "2026-01-01T00:00:00Z" } };
  expect(rejectionOf(pod, { allocations: node(), pressure: calm })).toBeUndefined();
});

test.each<[name: string, pod: ReturnType<typeof aPod>, conditions: string[], message: string | undefined]>([
  ["on a full disk", asking("1"), ["DiskPressure"], "The node had condition: [DiskPressure]. "],
  ["without requests where memory is short", aPod(), ["MemoryPressure"], "The node had condition: [MemoryPressure]. "],
  ["with requests where memory is short", asking("1"), ["MemoryPressure"], undefined],
  ["that keeps the node alive", aPod({ spec: { priority: 2_000_001_000 } }), ["DiskPressure"], undefined],
])("judges a pod %s", (_, pod, conditions, message) =>
  expect(rejectionOf(pod, { allocations: node(), pressure: () => new Set(conditions) })?.message).toBe(message),
);
