import { describe, expect, test } from "vitest";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  StorageClass,
} from "../../api/schema/types.ts";
import { decideClaim, decideVolume } from "./decide.ts";

function aVolume(name: string, storage: string, spec: Partial<PersistentVolumeSpec> = {}): PersistentVolume {
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: { capacity: { storage }, accessModes: ["ReadWriteOnce"], storageClassName: "manual", ...spec },
    status: { phase: "Available" },
  };
}

function aClaim(spec: Partial<PersistentVolumeClaimSpec> = {}, annotations = {}): PersistentVolumeClaim {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", namespace: "default", uid: "c", annotations },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "manual",
      resources: { requests: { storage: "1Gi" } },
      ...spec,
    },
  };
}

const aClass = (provisioner: string, volumeBindingMode = "Immediate"): StorageClass => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "manual" },
  provisioner,
  volumeBindingMode,
});

const olderClass = "volume.beta.kubernetes.io/storage-class";
const withoutClass: PersistentVolumeClaim = aClaim();
delete withoutClass.spec.storageClassName;
function withoutStorageClass(volume: PersistentVolume): PersistentVolume {
  const { storageClassName: _, ...spec } = volume.spec;
  return { ...volume, spec };
}

const ours = { namespace: "default", name: "data", uid: "c" };
const bound = { "pv.kubernetes.io/bind-completed": "yes" };

describe("decideClaim()", () => {
  test.each<{
    it: string;
    claim?: PersistentVolumeClaim;
    volumes?: PersistentVolume[];
    storageClass?: StorageClass;
    defaultClass?: string;
    waitingPods?: string[];
    does: string;
  }>([
    { it: "takes the smallest that fits", volumes: [aVolume("a", "9Gi"), aVolume("b", "2Gi")], does: "bind b" },
    { it: "takes none that is too small", volumes: [aVolume("a", "1Mi")], does: "wait ProvisioningFailed" },
    {
      it: "takes none of another class",
      volumes: [aVolume("a", "1Gi", { storageClassName: "else" })],
      does: "wait ProvisioningFailed",
    },
    {
      it: "takes none of another mode",
      volumes: [aVolume("a", "1Gi", { volumeMode: "Block" })],
      does: "wait ProvisioningFailed",
    },
    {
      it: "prefers one that was set aside for it",
      volumes: [aVolume("a", "1Gi"), aVolume("b", "9Gi", { claimRef: { namespace: "default", name: "data" } })],
      does: "bind b",
    },
    {
      it: "takes the one it names",
      claim: aClaim({ volumeName: "b" }),
      volumes: [aVolume("a", "1Gi"), aVolume("b", "9Gi")],
      does: "bind b",
    },
    {
      it: "does not take one from another claim",
      claim: aClaim({ volumeName: "a" }),
      volumes: [aVolume("a", "1Gi", { claimRef: { ...ours, name: "other", uid: "o" } })],
      does: "wait FailedBinding",
    },
    {
      it: "waits for the first pod",
      volumes: [aVolume("a", "1Gi")],
      storageClass: aClass("kubernetes.io/no-provisioner", "WaitForFirstConsumer"),
      does: "wait WaitForFirstConsumer",
    },
    {
      it: "waits for the first pod to get its node",
      volumes: [aVolume("a", "1Gi")],
      storageClass: aClass("kubernetes.io/no-provisioner", "WaitForFirstConsumer"),
      waitingPods: ["web"],
      does: "wait WaitForPodScheduled",
    },
    {
      it: "leaves the choice among free ones to the scheduler",
      claim: aClaim({}, { "volume.kubernetes.io/selected-node": "n1" }),
      volumes: [aVolume("a", "1Gi")],
      storageClass: aClass("disk.example.com", "WaitForFirstConsumer"),
      does: "wait ExternalProvisioning",
    },
    {
      it: "takes the one that the scheduler chose",
      volumes: [aVolume("a", "1Gi", { claimRef: ours })],
      storageClass: aClass("kubernetes.io/no-provisioner", "WaitForFirstConsumer"),
      does: "bind a",
    },
    {
      it: "prefers one that has only the mode it needs",
      volumes: [aVolume("a", "1Gi", { accessModes: ["ReadWriteOnce", "ReadOnlyMany"] }), aVolume("b", "5Gi")],
      does: "bind b",
    },
    {
      it: "takes one that was set aside for it, even of another class",
      volumes: [aVolume("a", "1Gi", { claimRef: { namespace: "default", name: "data" }, storageClassName: "else" })],
      does: "bind a",
    },
    {
      it: "takes none that is not free yet",
      volumes: [{ ...aVolume("a", "1Gi"), status: { phase: "Pending" } }],
      does: "wait ProvisioningFailed",
    },
    {
      it: "does not take one it names that does not fit",
      claim: aClaim({ volumeName: "a" }),
      volumes: [aVolume("a", "1Mi")],
      does: "wait VolumeMismatch",
    },
    {
      it: "tells its volume again when that forgot it",
      claim: aClaim({ volumeName: "a" }, bound),
      volumes: [aVolume("a", "1Gi")],
      does: "bind a",
    },
    { it: "without a class gets the default one", claim: withoutClass, defaultClass: "fast", does: "assign fast" },
    {
      it: "without a class takes a volume without one rather than the default class",
      claim: withoutClass,
      volumes: [withoutStorageClass(aVolume("a", "1Gi"))],
      defaultClass: "fast",
      does: "bind a",
    },
    {
      it: "that wants no class does not get the default one",
      claim: aClaim({ storageClassName: "" }),
      defaultClass: "fast",
      does: "wait FailedBinding",
    },
    {
      it: "that names its class the older way keeps it",
      claim: { ...withoutClass, metadata: { ...withoutClass.metadata, annotations: { [olderClass]: "" } } },
      defaultClass: "fast",
      does: "wait FailedBinding",
    },
    { it: "leaves it to a provisioner", storageClass: aClass("disk.example.com"), does: "wait ExternalProvisioning" },
    {
      it: "stays with its volume",
      claim: aClaim({ volumeName: "a" }, bound),
      volumes: [aVolume("a", "1Gi", { claimRef: ours })],
      does: "confirm a",
    },
    { it: "is lost without its volume", claim: aClaim({ volumeName: "a" }, bound), does: "lose ClaimLost" },
  ])("$it", ({ claim = aClaim(), volumes = [], storageClass, defaultClass, waitingPods = [], does }) => {
    const step = decideClaim(claim, { volumes, storageClass, defaultClass, waitingPods });
    const what =
      "volume" in step ? step.volume.metadata.name : step.do === "assign" ? step.storageClass : step.news?.reason;
    expect(`${step.do} ${what}`).toBe(does);
  });
});

describe("decideVolume()", () => {
  test.each<{ it: string; volume: PersistentVolume; claim?: PersistentVolumeClaim; phase: string | undefined }>([
    { it: "a free one is available", volume: aVolume("a", "1Gi"), phase: "Available" },
    {
      it: "one of a claim is bound",
      volume: aVolume("a", "1Gi", { claimRef: ours }),
      claim: aClaim({ volumeName: "a" }),
      phase: "Bound",
    },
    {
      it: "one whose claim is still being told stays as it is",
      volume: aVolume("a", "1Gi", { claimRef: ours }),
      claim: aClaim(),
      phase: undefined,
    },
    {
      it: "one whose claim is gone is released",
      volume: aVolume("a", "1Gi", { claimRef: ours, persistentVolumeReclaimPolicy: "Retain" }),
      phase: "Released",
    },
    {
      it: "one that nobody can delete fails",
      volume: aVolume("a", "1Gi", { claimRef: ours, persistentVolumeReclaimPolicy: "Delete" }),
      phase: "Failed",
    },
  ])("$it", ({ volume, claim, phase }) => {
    const step = decideVolume(volume, claim);
    expect(step && "phase" in step ? step.phase : undefined).toBe(phase);
  });

  const elsewhere = aClaim({ volumeName: "b" });
  const made = { "pv.kubernetes.io/provisioned-by": "disk.example.com" };
  const withAnnotations = (annotations: Record<string, string>, spec: Partial<PersistentVolumeSpec> = {}) => {
    const volume = aVolume("a", "1Gi", { claimRef: ours, persistentVolumeReclaimPolicy: "Delete", ...spec });
    return { ...volume, metadata: { ...volume.metadata, annotations } };
  };
  test.each<[string, PersistentVolume, PersistentVolumeClaim, ReturnType<typeof decideVolume>]>([
    [
      "is free again when the controller had chosen it",
      withAnnotations({ "pv.kubernetes.io/bound-by-controller": "yes" }),
      elsewhere,
      { release: "wholly" },
    ],
    ["is for that name again when its maker had set it aside", withAnnotations({}), elsewhere, { release: "uid" }],
    ["goes when it was made for that claim alone", withAnnotations(made), elsewhere, { phase: "Released" }],
    [
      "does not fit its claim when one of them is a bare device",
      withAnnotations({}, { volumeMode: "Block" }),
      aClaim(),
      { mismatch: true },
    ],
  ])("one whose claim has another %s", (_, volume, claim, step) => {
    expect(decideVolume(volume, claim)).toEqual(step);
  });
});
