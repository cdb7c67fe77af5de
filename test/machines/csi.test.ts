import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";

const kubelet = "/var/lib/skiff/kubelet";
const disks = "/var/lib/skiff/disks";
const driver = "disk.example.com";
const on = journey("csi", ["busybox:1"], { flags: ["--kubelet-arg", `root-dir=${kubelet}`] });
const { kubectl, json } = on;
const apply = (...objects: object[]) =>
  on.cluster.kubectl.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
const exec = (pod: string, script: string) => kubectl("exec", pod, "--", "sh", "-c", script);
const ready = (...pods: string[]) =>
  kubectl("wait", "--for=condition=Ready", ...pods.map((pod) => `pod/${pod}`), "--timeout=90s");
const events = (about: string) => kubectl("events", "--for", about);

/** What the driver was asked, in order. */
async function calls(): Promise<Record<string, unknown>[]> {
  const text = await on.machine.must("cat", [`${disks}/calls`]);
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
const startDriver = () => {
  const node = resolve(import.meta.dirname, "../../node_modules/.bin/node");
  return on.machine.start(node, [resolve(import.meta.dirname, "../support/csi-driver.ts"), kubelet, disks]);
};

const aPod = (name: string, source: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    volumes: [{ name: "v", ...source }],
    containers: [
      {
        name: "main",
        image: "busybox:1",
        command: ["sleep", "3600"],
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      },
    ],
    ...more,
  },
});
const claimed = { persistentVolumeClaim: { claimName: "disk" } };
const attachments = async () => (await json("get", "volumeattachments")).items;

describe("a CSI driver on the node", () => {
  test("registers, and the API says what the node has", async () => {
    await apply(
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "CSIDriver",
        metadata: { name: driver },
        spec: { podInfoOnMount: true, fsGroupPolicy: "File", volumeLifecycleModes: ["Persistent", "Ephemeral"] },
      },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { password: "open" } },
      aPod("early", { csi: { driver, volumeAttributes: { size: "small" } } }),
    );
    await eventually(async () =>
      expect(await events("pod/early")).toContain(
        `driver name ${driver} not found in the list of registered CSI drivers`,
      ),
    );
    void startDriver();
    await eventually(async () => {
      const { spec } = await json("get", "csinode", "csi");
      expect(spec.drivers).toEqual([
        { name: driver, nodeID: "machine-7", topologyKeys: [`${driver}/rack`], allocatable: { count: 5 } },
      ]);
      const { metadata } = await json("get", "node", "csi");
      expect(metadata.labels[`${driver}/rack`]).toBe("r1");
      expect(metadata.annotations["csi.volume.kubernetes.io/nodeid"]).toBe(`{"${driver}":"machine-7"}`);
    });
  });

  test("mounts a volume that is written in the pod, and takes it away with it", async () => {
    await ready("early");
    await exec("early", "touch /v/here");
    const published = (await calls()).find(({ call }) => call === "NodePublishVolume");
    expect(published).toMatchObject({
      volumeContext: {
        size: "small",
        "csi.storage.k8s.io/ephemeral": "true",
        "csi.storage.k8s.io/pod.name": "early",
        "csi.storage.k8s.io/pod.namespace": "default",
      },
    });
    await kubectl("delete", "pod", "early", "--timeout=60s");
    expect((await calls()).map(({ call }) => call)).toContain("NodeUnpublishVolume");
    expect(await on.machine.must("ls", [`${kubelet}/pods`])).toBe("");
  });

  test("mounts a volume when it is attached, stages it once for all pods, and gives it to their group", async () => {
    await apply(
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "disk" },
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce"],
          storageClassName: "",
          claimRef: { namespace: "default", name: "disk" },
          csi: {
            driver,
            volumeHandle: "disk-1",
            fsType: "ext4",
            volumeAttributes: { tier: "fast" },
            nodeStageSecretRef: { namespace: "default", name: "key" },
          },
        },
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "disk" },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "1Gi" } } },
      },
      aPod("first", claimed, { securityContext: { fsGroup: 2000 } }),
      aPod("second", claimed),
    );
    await eventually(async () => expect(await attachments()).toHaveLength(1));
    const [attachment] = await attachments();
    expect(attachment.spec).toEqual({ attacher: driver, nodeName: "csi", source: { persistentVolumeName: "disk" } });
    expect((await json("get", "pod", "first")).status.phase).toBe("Pending");
    // The driver's other half, which runs in the cluster, says so.
    const status = { attached: true, attachmentMetadata: { path: "/dev/x" } };
    await kubectl(
      "patch",
      "volumeattachment",
      attachment.metadata.name,
      "--subresource=status",
      "--type=merge",
      "-p",
      JSON.stringify({ status }),
    );
    await ready("first", "second");
    await exec("first", "echo kept >/v/file");
    expect(await exec("second", "stat -c %g /v; cat /v/file")).toBe("2000\nkept\n");
    const staged = (await calls()).filter(({ call }) => call === "NodeStageVolume");
    expect(staged).toHaveLength(1);
    expect(staged[0]).toMatchObject({
      volumeId: "disk-1",
      publishContext: { path: "/dev/x" },
      secrets: { password: "open" },
      volumeContext: { tier: "fast" },
      capability: { mount: { fsType: "ext4" }, accessMode: { mode: 1 } },
    });
    const name = `kubernetes.io/csi/${driver}^disk-1`;
    await eventually(async () => {
      const { status: node } = await json("get", "node", "csi");
      expect(node.volumesInUse).toEqual([name]);
      expect(node.volumesAttached).toEqual([{ name, devicePath: "" }]);
    });
  });

  test("goes on after a restart of the node, and detaches what the last pod has left", async () => {
    await on.cluster.stop();
    await on.cluster.start();
    await eventually(async () => expect(await exec("second", "cat /v/file")).toBe("kept\n"));
    await kubectl("delete", "pod", "first", "--timeout=60s");
    expect((await calls()).map(({ call }) => call)).not.toContain("NodeUnstageVolume");
    await kubectl("delete", "pod", "second", "--timeout=60s");
    expect((await calls()).at(-1)).toMatchObject({ call: "NodeUnstageVolume", volumeId: "disk-1" });
    await eventually(async () => {
      expect(await attachments()).toEqual([]);
      expect((await json("get", "node", "csi")).status.volumesInUse).toBeUndefined();
    });
    expect(await on.machine.must("cat", [`${disks}/disk-1/file`])).toBe("kept\n");
    expect(await on.machine.must("ls", [`${kubelet}/pods`])).toBe("");
  });
});
