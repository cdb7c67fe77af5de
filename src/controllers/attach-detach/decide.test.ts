import { describe, expect, test } from "vitest";
import { attachmentName } from "../../api/csi-names.ts";
import type { Node, PersistentVolume, Pod, VolumeAttachment } from "../../api/schema/types.ts";
import { decide, maxUnmountMs, type Observed } from "./decide.ts";
import { attachable } from "./volumes.ts";

const driver = "disk.example.com";
const aVolume = (name: string, ...accessModes: string[]): PersistentVolume => ({
  apiVersion: "v1",
  kind: "PersistentVolume",
  metadata: { name },
  spec: { accessModes, csi: { driver, volumeHandle: `h-${name}` } },
});
const aPod = (name: string, namespace = "shop"): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace },
  spec: { containers: [] },
});
function aNode({
  attached = [] as string[],
  inUse = [] as string[],
  ready = "True",
  taints = [] as string[],
} = {}): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1" },
    spec: { taints: taints.map((key) => ({ key, effect: "NoExecute" })) },
    status: {
      volumesAttached: attached.map((name) => ({ name, devicePath: "" })),
      volumesInUse: inUse,
      conditions: [{ type: "Ready", status: ready }],
    },
  };
}
function anAttachment(
  volume: PersistentVolume,
  status?: VolumeAttachment["status"],
  nodeName = "n1",
): VolumeAttachment {
  const handle = volume.spec.csi?.volumeHandle ?? "";
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "VolumeAttachment",
    metadata: { name: attachmentName({ driver, handle }, nodeName) },
    spec: { attacher: driver, nodeName, source: { persistentVolumeName: volume.metadata.name } },
    ...(status && { status }),
  };
}

const disk = aVolume("disk", "ReadWriteOnce");
const share = aVolume("share", "ReadWriteMany");
const diskName = `kubernetes.io/csi/${driver}^h-disk`;
const wanting = (volume: PersistentVolume) => {
  const one = attachable(volume, { driverNamed: () => undefined, pods: [aPod("web")] });
  return one ? [one] : [];
};
const quiet: Observed = {
  node: aNode(),
  wanted: [],
  attachments: [],
  volumeNamed: (name) => [disk, share].find(({ metadata }) => metadata.name === name),
  usersOn: () => [],
  unusedSince: new Map(),
  elapsedMs: 1_000_000,
};

test("the name of an attachment is the one that drivers and kubelets compute", () => {
  expect(attachmentName({ driver: "d", handle: "h" }, "n")).toBe(
    "csi-9072ed11cc1acb5fa433a877ff339b6311d013f33bddd1d0092711a8ace5b16d",
  );
});

describe("what a node's pods use", () => {
  test.each<[string, Partial<Observed>, { attach?: string[]; reported?: string[]; news?: string[] }]>([
    ["is attached", { wanted: wanting(disk) }, { attach: ["disk"] }],
    ["is waited for", { wanted: wanting(disk), attachments: [anAttachment(disk, { attached: false })] }, {}],
    [
      "is told to the node and its pods",
      { wanted: wanting(disk), attachments: [anAttachment(disk, { attached: true })] },
      { reported: [diskName], news: ['web: AttachVolume.Attach succeeded for volume "disk" '] },
    ],
    [
      "is told once",
      {
        node: aNode({ attached: [diskName] }),
        wanted: wanting(disk),
        attachments: [anAttachment(disk, { attached: true })],
      },
      { reported: [diskName] },
    ],
    [
      "may be refused by the driver",
      {
        wanted: wanting(disk),
        attachments: [anAttachment(disk, { attached: false, attachError: { message: "no room" } })],
      },
      { news: ['web: AttachVolume.Attach failed for volume "disk" : no room'] },
    ],
    [
      "is not taken from another node",
      { wanted: wanting(disk), attachments: [anAttachment(disk, { attached: true }, "n2")] },
      {
        news: [
          'web: Multi-Attach error for volume "disk" Volume is already exclusively attached to one node and can\'t be attached to another',
        ],
      },
    ],
    [
      "is named with who has it, as far as one may see",
      {
        wanted: wanting(disk),
        attachments: [anAttachment(disk, { attached: true }, "n2")],
        usersOn: () => [aPod("first"), aPod("hidden", "bank")],
      },
      {
        news: [
          'web: Multi-Attach error for volume "disk" Volume is already used by pod(s) first and 1 pod(s) in different namespaces',
        ],
      },
    ],
    [
      "is attached to several nodes where it may be",
      { wanted: wanting(share), attachments: [anAttachment(share, { attached: true }, "n2")] },
      { attach: ["share"] },
    ],
  ])("%s", (_, given, { attach = [], reported = [], news = [] }) => {
    const decision = decide({ ...quiet, ...given });
    expect(decision.attach.map(({ volume }) => volume.metadata.name)).toEqual(attach);
    expect(decision.volumesAttached.map(({ name }) => name)).toEqual(reported);
    expect(decision.news.map(({ pod, message }) => `${pod.metadata.name}: ${message}`)).toEqual(news);
    expect(decision.detach).toEqual([]);
  });
});

describe("what no pod of the node uses any more", () => {
  const attachments = [anAttachment(disk, { attached: true })];
  const name = attachments[0]?.metadata.name ?? "";
  const longAgo = new Map([[name, quiet.elapsedMs - maxUnmountMs]]);
  const inUse = [diskName];
  test.each<[string, Partial<Observed>, { detached: boolean; again?: number }]>([
    ["is detached", {}, { detached: true }],
    ["stays while it is mounted", { node: aNode({ inUse }) }, { detached: false, again: maxUnmountMs }],
    [
      "is taken from a lost node in the end",
      { node: aNode({ inUse, ready: "Unknown" }), unusedSince: longAgo },
      { detached: true },
    ],
    [
      "is not taken from a node that is well",
      { node: aNode({ inUse }), unusedSince: longAgo },
      { detached: false, again: maxUnmountMs },
    ],
    [
      "is taken at once from a node that is declared out of service",
      { node: aNode({ inUse, ready: "False", taints: ["node.kubernetes.io/out-of-service"] }) },
      { detached: true },
    ],
  ])("%s", (_, given, { detached, again }) => {
    const decision = decide({ ...quiet, attachments, ...given });
    expect(decision.detach.map(({ metadata }) => metadata.name)).toEqual(detached ? [name] : []);
    expect(decision.volumesAttached.map((one) => one.name)).toEqual(detached ? [] : [diskName]);
    expect(decision.againMs).toBe(again);
  });

  test("is left alone when somebody else attached it", () => {
    const foreign = { ...anAttachment(disk, { attached: true }), metadata: { name: "by-hand" } };
    expect(decide({ ...quiet, attachments: [foreign] })).toMatchObject({ detach: [], volumesAttached: [] });
  });
});
