import { describe, expect, test } from "vitest";
import type { CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass, Volume } from "../../api/schema/types.ts";
import { nothingToLookUp, type ObjectLookup } from "../objects.ts";
import { refusalsOf } from "../testing/judge.ts";
import { aCluster, aNode, aPodInfo, type PodSeed } from "../testing/objects.ts";
import { nodePorts } from "./node-ports.ts";
import { nodeVolumeLimits } from "./node-volume-limits.ts";
import { volumeBinding } from "./volume-binding.ts";
import { volumeRestrictions } from "./volume-restrictions.ts";
import { volumeZone } from "./volume-zone.ts";

const zone = "topology.kubernetes.io/zone";
const nodes = [aNode({ labels: { [zone]: "a" } }), aNode({ name: "n2", labels: { [zone]: "b" } })];
const bound = { "pv.kubernetes.io/bind-completed": "yes" };

function aClaim(name: string, spec: Partial<PersistentVolumeClaim["spec"]> = {}): PersistentVolumeClaim {
  const annotations = spec.volumeName ? bound : {};
  const metadata = { name, namespace: "default", uid: name, annotations };
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata,
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
    status: { phase: spec.volumeName ? "Bound" : "Pending" },
  };
}
function aVolume(name: string, more: Partial<PersistentVolume["spec"]> = {}, labels = {}): PersistentVolume {
  const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], ...more };
  const status = { phase: "Available" };
  return { apiVersion: "v1", kind: "PersistentVolume", metadata: { name, labels }, spec, status };
}
const inZone = (value: string): Partial<PersistentVolume["spec"]> => ({
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: zone, operator: "In", values: [value] }] }] },
  },
});
const late: StorageClass = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "late" },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
};

interface World {
  readonly claims?: readonly PersistentVolumeClaim[];
  readonly volumes?: readonly PersistentVolume[];
  readonly csiNodes?: readonly CSINode[];
}
function lookupOf({ claims = [], volumes = [], csiNodes = [] }: World): ObjectLookup {
  const named = <T extends { metadata: { name: string } }>(all: readonly T[], name: string): T | undefined =>
    all.find(({ metadata }) => metadata.name === name);
  return {
    ...nothingToLookUp,
    claim: (_, name) => named(claims, name),
    volume: (name) => named(volumes, name),
    volumes: () => volumes,
    storageClass: (name) => named([late], name),
    csiNode: (name) => named(csiNodes, name),
  };
}
const claiming = (...names: string[]): PodSeed => ({
  volumes: names.map((claimName): Volume => ({ name: claimName, persistentVolumeClaim: { claimName } })),
});

describe("VolumeBinding", () => {
  const judge = (world: World, pod = claiming("data")) =>
    refusalsOf(
      volumeBinding(lookupOf(world), async () => undefined),
      aPodInfo(pod),
      aCluster(nodes),
    );
  const elsewhere = "node(s) didn't match PersistentVolume's node affinity";
  const nothingThere = "node(s) didn't find available persistent volumes to bind";

  test.each<[name: string, world: World, refusals: object | string]>([
    ["there is none", {}, 'persistentvolumeclaim "data" not found'],
    [
      "it is not bound and does not wait for a pod",
      { claims: [aClaim("data")] },
      "pod has unbound immediate PersistentVolumeClaims",
    ],
    [
      "its volume is in a zone",
      { claims: [aClaim("data", { volumeName: "v" })], volumes: [aVolume("v", inZone("b"))] },
      { n1: elsewhere },
    ],
    [
      "its volume has gone",
      { claims: [aClaim("data", { volumeName: "v" })] },
      {
        n1: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
        n2: "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
      },
    ],
    [
      "it waits for a pod, and a volume is in one zone",
      {
        claims: [aClaim("data", { storageClassName: "late" })],
        volumes: [aVolume("v", { ...inZone("a"), storageClassName: "late" })],
      },
      { n2: nothingThere },
    ],
  ])("judges a claim when %s", (_, world, refusals) => {
    expect(judge(world)).toEqual(refusals);
  });

  test("waits for the claim of an ephemeral volume to be made, by this pod", () => {
    const pod: PodSeed = { volumes: [{ name: "scratch", ephemeral: {} }] };
    expect(judge({}, pod)).toBe(
      'waiting for ephemeral volume controller to create the persistentvolumeclaim "web-scratch"',
    );
    expect(judge({ claims: [aClaim("web-scratch")] }, pod)).toBe(
      "PVC default/web-scratch was not created for pod default/web (pod is not owner)",
    );
  });
});

test("a volume that names its zone by the older label is used where a node names it by the newer one, not the other way", () => {
  const older = "failure-domain.beta.kubernetes.io/zone";
  const labelled = (key: string) =>
    lookupOf({ claims: [aClaim("data", { volumeName: "v" })], volumes: [aVolume("v", {}, { [key]: "a" })] });
  const judge = (ofVolume: string, ofNode: string) =>
    refusalsOf(
      volumeZone(labelled(ofVolume)),
      aPodInfo(claiming("data")),
      aCluster([aNode({ labels: { [ofNode]: "a" } })]),
    );
  expect(judge(older, zone)).toEqual({});
  expect(judge(zone, older)).toEqual({ n1: "node(s) had no available volume zone" });
});

test("a volume that is labelled with a zone is used there, and where nodes tell of no zone", () => {
  const world = {
    claims: [aClaim("data", { volumeName: "v" })],
    volumes: [aVolume("v", {}, { [zone]: "b__c" })],
  };
  const cluster = aCluster([...nodes, aNode({ name: "n3" })]);
  expect(refusalsOf(volumeZone(lookupOf(world)), aPodInfo(claiming("data")), cluster)).toEqual({
    n1: "node(s) had no available volume zone",
  });
});

describe("VolumeRestrictions", () => {
  test("a claim for a single pod is for one pod of the cluster", () => {
    const claims = [aClaim("data", { accessModes: ["ReadWriteOncePod"] })];
    const cluster = aCluster(nodes, [{ on: "n1", pod: { name: "first", ...claiming("data") } }]);
    const why =
      "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod";
    const judge = (pod: PodSeed) => refusalsOf(volumeRestrictions(lookupOf({ claims })), aPodInfo(pod), cluster);
    expect(judge(claiming("data"))).toEqual({ n1: why, n2: why });
    expect(judge(claiming("other"))).toEqual({});
  });

  test("a network disk has one writer a node, and as many readers as one likes", () => {
    const disk = (readOnly: boolean): PodSeed => ({
      volumes: [{ name: "d", gcePersistentDisk: { pdName: "disk", readOnly } }],
    });
    const judge = (pod: PodSeed, there: PodSeed) =>
      refusalsOf(
        volumeRestrictions(nothingToLookUp),
        aPodInfo(pod),
        aCluster(nodes, [{ on: "n1", pod: { name: "first", ...there } }]),
      );
    expect(judge(disk(false), disk(true))).toEqual({ n1: "node(s) had no available disk" });
    expect(judge(disk(true), disk(true))).toEqual({});
  });

  test("disks of Ceph are the same where one monitor knows both", () => {
    const disk = (...monitors: string[]): PodSeed => ({ volumes: [{ name: "d", rbd: { monitors, image: "disk" } }] });
    const judge = (pod: PodSeed, there: PodSeed) =>
      refusalsOf(
        volumeRestrictions(nothingToLookUp),
        aPodInfo(pod),
        aCluster(nodes, [{ on: "n1", pod: { name: "first", ...there } }]),
      );
    expect(judge(disk("a", "b"), disk("b", "c"))).toEqual({ n1: "node(s) had no available disk" });
    expect(judge(disk("a"), disk("b"))).toEqual({});
  });
});

test("a node takes as many volumes of a driver as it said, and one that it has already besides", () => {
  const driver = "disk.example.com";
  const csi = (volumeHandle: string) => ({ csi: { driver, volumeHandle } });
  const world: World = {
    claims: ["a", "b"].map((name) => aClaim(name, { volumeName: name })),
    volumes: ["a", "b"].map((name) => aVolume(name, csi(name))),
    csiNodes: [
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "CSINode",
        metadata: { name: "n1" },
        spec: { drivers: [{ name: driver, nodeID: "n1", allocatable: { count: 1 } }] },
      },
    ],
  };
  const cluster = aCluster(nodes, [{ on: "n1", pod: { name: "first", ...claiming("a") } }]);
  const judge = (pod: PodSeed) => refusalsOf(nodeVolumeLimits(lookupOf(world)), aPodInfo(pod), cluster);
  expect(judge(claiming("b"))).toEqual({ n1: "node(s) exceed max volume count" });
  expect(judge(claiming("a"))).toEqual({});
});

test.each<[name: string, wanted: { hostIP?: string; protocol?: string; hostPort?: number }, isFree: boolean]>([
  ["the same", {}, false],
  ["at another address", { hostIP: "192.0.2.2" }, true],
  ["at every address", { hostIP: "0.0.0.0" }, false],
  ["of another protocol", { protocol: "UDP" }, true],
  ["another one", { hostPort: 81 }, true],
])("a node's port is had once: %s", (_, wanted, isFree) => {
  const listening = (name: string, more: object = {}): PodSeed => {
    const port = { containerPort: 80, hostPort: 80, hostIP: "192.0.2.1", protocol: "TCP", ...more };
    return { name, containers: [{ name: "app", ports: [port] }] };
  };
  const cluster = aCluster(nodes, [{ on: "n1", pod: listening("first") }]);
  expect(refusalsOf(nodePorts(), aPodInfo(listening("web", wanted)), cluster)).toEqual(
    isFree ? {} : { n1: "node(s) didn't have free ports for the requested pod ports" },
  );
});
