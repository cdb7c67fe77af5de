import { expect, test } from "vitest";
import type { Node, Pod } from "../../api/schema/types.ts";
import { openAllocations } from "../allocations.ts";
import { aContainer, aPod } from "../testing/objects.ts";
import { blockOf, rejectionOf } from "./admission.ts";

function room() {
  const allocations = openAllocations(() => ({ cpu: "2", memory: "1Gi", pods: "3", "example.com/card": "2" }));
  allocations.hold("web", { containers: [aContainer({ ports: [{ containerPort: 80, hostPort: 8080 }] })] });
  return allocations;
}
const node = (): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "m1", labels: { disk: "ssd" } },
  spec: { taints: [{ key: "busy", effect: "NoSchedule" }] },
});
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
    "strictly chosen groups without the first of them",
    aPod({ spec: { securityContext: { supplementalGroupsPolicy: "Strict" } } }),
    "SupplementalGroupsPolicy=Strict is not supported in this node",
  ],
  [
    "strictly chosen groups",
    aPod({ spec: { securityContext: { supplementalGroupsPolicy: "Strict", runAsGroup: 3000 } } }),
    undefined,
  ],
  [
    "too many processors",
    asking("3"),
    "Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000",
  ],
  [
    "more than there is of something else that the node has",
    aPod({ spec: { containers: [aContainer({ resources: { requests: { "example.com/card": "3" } } })] } }),
    "Node didn't have enough resource: example.com/card, requested: 3, used: 0, capacity: 2",
  ],
  [
    "something that the node knows nothing of",
    aPod({ spec: { containers: [aContainer({ resources: { requests: { "example.com/else": "3" } } })] } }),
    undefined,
  ],
  [
    "what the pod asks for as a whole",
    aPod({ spec: { resources: { requests: { memory: "2Gi" } } } }),
    "Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824",
  ],
  [
    "a node selector of another node",
    aPod({ spec: { nodeSelector: { disk: "slow" } } }),
    "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  ],
  ["a node selector of this one", aPod({ spec: { nodeSelector: { disk: "ssd" } } }), undefined],
  [
    "a port that is taken",
    aPod({ spec: { containers: [aContainer({ ports: [{ containerPort: 80, hostPort: 8080 }] })] } }),
    "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  ],
  [
    "a pod of another system",
    aPod({ spec: { os: { name: "windows" } } }),
    "Failed to admit pod as the OS field doesn't match node OS",
  ],
])("judges %s", (_, pod, message) =>
  expect(rejectionOf(pod, { allocations: room(), pressure: calm, node })?.message).toBe(message),
);

test("sends those away that do not tolerate a taint that evicts, but for the node's own", () => {
  const tainted = (): Node => ({ ...node(), spec: { taints: [{ key: "gone", effect: "NoExecute" }] } });
  const judge = (pod: Pod) => rejectionOf(pod, { allocations: room(), pressure: calm, node: tainted });
  expect(judge(aPod())).toEqual({
    reason: "TaintToleration",
    message: "Predicate TaintToleration failed: node(s) had untolerated taint(s)",
  });
  expect(judge(aPod({ spec: { tolerations: [{ operator: "Exists" }] } }))).toBeUndefined();
  expect(judge(aPod({ annotations: { "kubernetes.io/config.source": "file" } }))).toBeUndefined();
});

test("counts what other pods have, and how many they are", () => {
  const allocations = room();
  allocations.hold("other", asking("1500m").spec);
  expect(rejectionOf(asking("1"), { allocations, pressure: calm, node })).toMatchObject({ reason: "OutOfcpu" });
  allocations.hold("third", asking("100m").spec);
  expect(rejectionOf(aPod(), { allocations, pressure: calm, node })).toMatchObject({ reason: "OutOfpods" });
});

test("sends no pod away that was taken before", () => {
  const pod = { ...withSysctl("kernel.msgmax"), status: { startTime: "2026-01-01T00:00:00Z" } };
  expect(rejectionOf(pod, { allocations: room(), pressure: calm, node })).toBeUndefined();
});

test.each<[name: string, pod: ReturnType<typeof aPod>, conditions: string[], message: string | undefined]>([
  ["on a full disk", asking("1"), ["DiskPressure"], "The node had condition: [DiskPressure]. "],
  ["without requests where memory is short", aPod(), ["MemoryPressure"], "The node had condition: [MemoryPressure]. "],
  ["with requests where memory is short", asking("1"), ["MemoryPressure"], undefined],
  ["that keeps the node alive", aPod({ spec: { priority: 2_000_001_000 } }), ["DiskPressure"], undefined],
])("judges a pod %s", (_, pod, conditions, message) =>
  expect(rejectionOf(pod, { allocations: room(), pressure: () => new Set(conditions), node })?.message).toBe(message),
);

const profile = (type: string) => ({ securityContext: { appArmorProfile: { type } } });
test.each<[what: string, pod: Pod, isBlocked: boolean]>([
  ["that asks for no AppArmor", aPod(), false],
  ["whose containers ask for it", aPod({ spec: { containers: [aContainer(profile("RuntimeDefault"))] } }), true],
  ["that asks for it as a whole", aPod({ spec: profile("Localhost") }), true],
  ["that asks to go without", aPod({ spec: profile("Unconfined") }), false],
  ["that runs already", aPod({ spec: profile("Localhost"), status: { phase: "Running" } }), false],
])("where there is no AppArmor, of a pod %s nothing is made: %s", (_, pod, isBlocked) => {
  expect(blockOf(pod, { appArmor: false }) !== undefined).toBe(isBlocked);
  expect(blockOf(pod, { appArmor: true })).toBeUndefined();
});
