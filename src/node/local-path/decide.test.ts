import { describe, expect, test } from "vitest";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  StorageClass,
} from "../../api/schema/types.ts";
import { decideClaim, decideVolume } from "./decide.ts";

const provisioner = "rancher.io/local-path";
const storage = { nodeName: "n1", hostname: "host-n1", directory: "/var/lib/skiff/storage" };
const chosen = { "volume.kubernetes.io/storage-provisioner": provisioner, "volume.kubernetes.io/selected-node": "n1" };

function aClaim(spec: Partial<PersistentVolumeClaimSpec> = {}, annotations: Record<string, string> = chosen) {
  const claim: PersistentVolumeClaim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", namespace: "default", uid: "u", annotations, labels: { app: "db" } },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "local-path",
      resources: { requests: { storage: "1Gi" } },
      ...spec,
    },
  };
  return claim;
}

const aClass = (rest: Partial<StorageClass> = {}): StorageClass => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: "local-path" },
  provisioner,
  volumeBindingMode: "WaitForFirstConsumer",
  ...rest,
});

const pathFor = (storageClass: StorageClass, claim = aClaim()) => {
  const step = decideClaim(claim, { storageClass, storage });
  if (step.do === "refuse") return step.message;
  return step.do === "provide" ? step.path : step.do;
};

describe("a claim whose pod comes to this node", () => {
  test("gets a directory, and a volume that only pods of this node can use", () => {
    const step = decideClaim(aClaim(), { storageClass: aClass(), storage });
    expect(step).toMatchObject({
      do: "provide",
      path: "/var/lib/skiff/storage/pvc-u_default_data",
      volume: {
        metadata: { name: "pvc-u", annotations: { "pv.kubernetes.io/provisioned-by": provisioner } },
        spec: {
          accessModes: ["ReadWriteOnce"],
          capacity: { storage: "1Gi" },
          claimRef: { namespace: "default", name: "data", uid: "u" },
          local: { path: "/var/lib/skiff/storage/pvc-u_default_data" },
          persistentVolumeReclaimPolicy: "Delete",
          storageClassName: "local-path",
        },
      },
    });
    expect(JSON.stringify(step)).toContain('{"key":"kubernetes.io/hostname","operator":"In","values":["host-n1"]}');
  });

  test.each([
    ["where its class says", { nodePath: "/mnt/ssd/" }, "/mnt/ssd/pvc-u_default_data"],
    [
      "under the name of its class's pattern",
      { pathPattern: "{{ .PVC.Namespace }}/{{ .PVC.Name }}" },
      "/var/lib/skiff/storage/default/data",
    ],
    ["under a label", { pathPattern: "{{ .PVC.Labels.app }}-{{.PVName}}" }, "/var/lib/skiff/storage/db-pvc-u"],
    ["not outside", { pathPattern: "../{{ .PVC.Name }}" }, "is not a path below the storage directory"],
    [
      "not under what nobody knows",
      { pathPattern: "{{ .PVC.Labels.none }}" },
      "nothing is known of {{ .PVC.Labels.none }}",
    ],
    ["not at the root of the machine", { nodePath: "/" }, "is not the absolute path of a directory"],
  ])("lies %s", (_, parameters, path) => {
    expect(pathFor(aClass({ parameters }))).toContain(path);
  });

  test.each<[string, Partial<PersistentVolumeClaimSpec>, string]>([
    [
      "many nodes",
      { accessModes: ["ReadWriteMany"] },
      "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes",
    ],
    ["a bare device", { volumeMode: "Block" }, "rancher.io/local-path does not support block volume provisioning"],
    ["a choice of volumes", { selector: {} }, "claim.Spec.Selector is not supported"],
  ])("is refused for %s", (_, spec, why) => {
    expect(pathFor(aClass(), aClaim(spec))).toBe(`failed to provision volume with StorageClass "local-path": ${why}`);
  });

  test.each<[string, PersistentVolumeClaim, StorageClass | undefined]>([
    ["of another node", aClaim({}, { ...chosen, "volume.kubernetes.io/selected-node": "n2" }), aClass()],
    ["that has a volume", aClaim({ volumeName: "v" }), aClass()],
    ["of another provisioner", aClaim(), aClass({ provisioner: "disk.example.com" })],
    ["whose class is gone", aClaim(), undefined],
  ])("is not one %s", (_, claim, storageClass) => {
    expect(decideClaim(claim, { storageClass, storage })).toEqual({ do: "nothing" });
  });

  test("may want a hostPath, as its class may", () => {
    const isHostPath = (annotations: object, ofClass: object) => {
      const claim = aClaim({}, { ...chosen, ...annotations });
      const storageClass = aClass({ metadata: { name: "local-path", annotations: { ...ofClass } } });
      const step = decideClaim(claim, { storageClass, storage });
      return step.do === "provide" && step.volume.spec.hostPath !== undefined;
    };
    expect(isHostPath({}, {})).toBe(false);
    expect(isHostPath({}, { defaultVolumeType: "hostPath" })).toBe(true);
    expect(isHostPath({ volumeType: "local" }, { defaultVolumeType: "hostPath" })).toBe(false);
  });
});

describe("a volume of this node", () => {
  const aVolume = (phase: string, policy: string, node = "n1"): PersistentVolume => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: {
      name: "v",
      annotations: { "pv.kubernetes.io/provisioned-by": provisioner, "local.path.provisioner/selected-node": node },
      finalizers: ["external-provisioner.volume.kubernetes.io/finalizer"],
    },
    spec: { persistentVolumeReclaimPolicy: policy },
    status: { phase },
  });
  test.each<[string, PersistentVolume, ReturnType<typeof decideVolume>]>([
    ["stays as long as its claim", aVolume("Bound", "Delete"), "nothing"],
    ["is erased behind its claim", aVolume("Released", "Delete"), "erase"],
    ["is kept where that was asked for", aVolume("Released", "Retain"), "let go"],
    ["may be of another node", aVolume("Released", "Delete", "n2"), "nothing"],
  ])("%s", (_, volume, step) => expect(decideVolume(volume, "n1")).toBe(step));
});
