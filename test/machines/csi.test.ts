import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { aPod, main, sh, withVolume } from "../support/pods.ts";

const kubelet = "/var/lib/skiff/kubelet";
const disks = "/var/lib/skiff/disks";
const driver = "disk.example.com";
const on = journey("csi", ["busybox:1"], { flags: ["--kubelet-arg", `root-dir=${kubelet}`] });
const { kubectl, json, apply, ready } = on;
const exec = (pod: string, script: string) => kubectl("exec", pod, "--", "sh", "-c", script);
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

const claimed = { persistentVolumeClaim: { claimName: "disk" } };
const attachments = async () => (await json("get", "volumeattachments")).items;

/** The last call about a volume of this handle. */
const lastOf = async (volumeId: string) => (await calls()).findLast((each) => each.volumeId === volumeId);

/** The driver never answers these calls. */
const hangIn = (...names: string[]) => on.machine.must("sh", ["-c", `echo ${names.join(" ")} >${disks}/hangs`]);

/** What the driver's other half says, which runs in the cluster. */
const attach = (name: string) => {
  const status = { attached: true, attachmentMetadata: { path: "/dev/x" } };
  const change = JSON.stringify({ status });
  return kubectl("patch", "volumeattachment", name, "--subresource=status", "--type=merge", "-p", change);
};

describe("a CSI driver on the node", () => {
  test("registers, and the API says what the node has", async () => {
    await apply(
      {
        apiVersion: "storage.k8s.io/v1",
        kind: "CSIDriver",
        metadata: { name: driver },
        spec: {
          podInfoOnMount: true,
          fsGroupPolicy: "File",
          volumeLifecycleModes: ["Persistent", "Ephemeral"],
          requiresRepublish: true,
          tokenRequests: [{ audience: "vault", expirationSeconds: 3600 }],
        },
      },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { password: "open" } },
      withVolume("early", { csi: { driver, volumeAttributes: { size: "small" } } }),
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
    const { volumeContext } = published as { volumeContext: Record<string, string> };
    const { vault } = JSON.parse(volumeContext["csi.storage.k8s.io/serviceAccount.tokens"] ?? "{}");
    const claims = JSON.parse(Buffer.from(vault.token.split(".")[1], "base64url").toString());
    expect(claims).toMatchObject({ aud: ["vault"], sub: "system:serviceaccount:default:default" });
    expect(Date.parse(vault.expirationTimestamp)).toBe(claims.exp * 1000);
    await kubectl("delete", "pod", "early", "--timeout=150s");
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
      withVolume("first", claimed, { securityContext: { fsGroup: 2000 } }),
      withVolume("second", claimed),
    );
    await eventually(async () => expect(await attachments()).toHaveLength(1));
    const [attachment] = await attachments();
    expect(attachment.spec).toEqual({ attacher: driver, nodeName: "csi", source: { persistentVolumeName: "disk" } });
    expect((await json("get", "pod", "first")).status.phase).toBe("Pending");
    await attach(attachment.metadata.name);
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
      // The driver knows what one writer is: all pods of one node.
      capability: { mount: { fsType: "ext4" }, accessMode: { mode: 7 } },
    });
    const name = `kubernetes.io/csi/${driver}^disk-1`;
    await eventually(async () => {
      const { status: node } = await json("get", "node", "csi");
      expect(node.volumesInUse).toEqual([name]);
      expect(node.volumesAttached).toEqual([{ name, devicePath: "" }]);
    });
  });

  test("makes what is in a volume as large as the volume has become, and says how full it is", async () => {
    // What the driver's other half does, which runs in the cluster.
    const merge = (...of: string[]) => kubectl("patch", ...of);
    await merge("pv", "disk", "--type=merge", "-p", JSON.stringify({ spec: { capacity: { storage: "2Gi" } } }));
    const status = {
      conditions: [{ type: "FileSystemResizePending", status: "True" }],
      allocatedResources: { storage: "2Gi" },
      allocatedResourceStatuses: { storage: "NodeResizePending" },
    };
    await merge("pvc", "disk", "--subresource=status", "--type=merge", "-p", JSON.stringify({ status }));
    await eventually(async () => {
      const { status: claim } = await json("get", "pvc", "disk");
      expect(claim).toMatchObject({ capacity: { storage: "2Gi" }, phase: "Bound" });
      expect([claim.conditions, claim.allocatedResourceStatuses]).toEqual([undefined, undefined]);
    });
    const expanded = (await calls()).filter(({ call }) => call === "NodeExpandVolume");
    expect(expanded).toHaveLength(1);
    expect(expanded[0]).toMatchObject({ volumeId: "disk-1", capacityRange: { requiredBytes: 2 * 2 ** 30 } });
    await eventually(async () =>
      expect(await events("pvc/disk")).toMatch(
        /FileSystemResizeSuccessful .*MountVolume.NodeExpandVolume succeeded for volume "disk" csi/,
      ),
    );
    const { pods } = JSON.parse(await kubectl("get", "--raw", "/api/v1/nodes/csi/proxy/stats/summary"));
    const { volume } = pods.find((pod: { podRef: { name: string } }) => pod.podRef.name === "first");
    expect(volume).toContainEqual(
      expect.objectContaining({
        name: "v",
        pvcRef: { name: "disk", namespace: "default" },
        usedBytes: 4_000_000_000,
        capacityBytes: 10_000_000_000,
        inodesFree: 90,
      }),
    );
    expect(await kubectl("get", "--raw", "/api/v1/nodes/csi/proxy/metrics")).toContain(
      'kubelet_volume_stats_used_bytes{namespace="default",persistentvolumeclaim="disk"} 4000000000\n',
    );
  });

  test("gives a pod a bare device", async () => {
    await on.machine.must("dd", ["if=/dev/zero", "of=/var/lib/skiff/bare", "bs=1M", "count=8"]);
    const device = (await on.machine.must("losetup", ["--find", "--show", "/var/lib/skiff/bare"])).trim();
    await on.machine.must("sh", ["-c", `echo ${device} >${disks}/bare-1.device`]);
    await kubectl("patch", "csidriver", driver, "--type=merge", "-p", '{"spec":{"requiresRepublish":false}}');
    const spec = { volumeMode: "Block", accessModes: ["ReadWriteOnce"], storageClassName: "" };
    await apply(
      {
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name: "bare" },
        spec: {
          ...spec,
          capacity: { storage: "8Mi" },
          claimRef: { namespace: "default", name: "bare" },
          csi: { driver, volumeHandle: "bare-1" },
        },
      },
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "bare" },
        spec: { ...spec, resources: { requests: { storage: "8Mi" } } },
      },
      withVolume(
        "bare",
        { persistentVolumeClaim: { claimName: "bare" } },
        { containers: [main({ volumeDevices: [{ name: "v", devicePath: "/dev/bare" }] })] },
      ),
    );
    await eventually(async () => expect(await attachments()).toHaveLength(2));
    for (const { metadata } of await attachments()) await attach(metadata.name);
    await ready("bare");
    await exec("bare", "echo written | dd of=/dev/bare conv=fsync 2>/dev/null");
    expect(await on.machine.must("head", ["-c", "8", device])).toBe("written\n");
    const asked = (await calls()).find(({ call, volumeId }) => call === "NodePublishVolume" && volumeId === "bare-1");
    expect(asked).toMatchObject({ capability: { block: {} } });
    expect(asked?.targetPath).toMatch(/kubernetes.io\/csi\/volumeDevices\/publish\/bare\//);
    await kubectl("delete", "pod", "bare", "--timeout=150s");
    expect(await lastOf("bare-1")).toMatchObject({ call: "NodeUnstageVolume" });
    expect(
      await on.machine.must("find", [`${kubelet}/plugins/kubernetes.io/csi/volumeDevices`, "-name", "bare*"]),
    ).toBe("");
    await on.machine.must("losetup", ["--detach", device]);
  });

  test("that hangs holds up only what cannot be without it", async () => {
    await kubectl("patch", "csidriver", driver, "--type=merge", "-p", '{"spec":{"requiresRepublish":true}}');
    const inline = { csi: { driver } };
    await apply(
      withVolume("served", inline, {
        containers: [
          sh("until test -e /tmp/enough; do sleep 0.2; done; exit 1", {
            volumeMounts: [{ name: "v", mountPath: "/v" }],
          }),
        ],
      }),
      withVolume("leaving", inline),
    );
    await ready("served", "leaving");
    await hangIn("NodePublishVolume", "NodeUnpublishVolume", "NodeGetVolumeStats");
    await apply(withVolume("waiting", inline), aPod("other"));
    const { uid } = (await json("get", "pod", "leaving")).metadata;
    const asked = async (call: string, of: object) =>
      expect(await calls()).toContainEqual(expect.objectContaining({ call, ...of }));
    const ofWaiting = expect.objectContaining({ "csi.storage.k8s.io/pod.name": "waiting" });
    await eventually(() => asked("NodePublishVolume", { volumeContext: ofWaiting }));
    // Its containers end, although its volume is being mounted or cannot be taken away.
    await kubectl("delete", "pod", "waiting", "leaving", "--wait=false");
    await eventually(async () => {
      const { status } = await json("get", "pod", "leaving");
      expect(status.containerStatuses[0].state).toHaveProperty("terminated");
      await asked("NodeUnpublishVolume", { targetPath: expect.stringContaining(uid) });
    });
    await ready("other");
    await kubectl("delete", "pod", "other", "--timeout=150s");
    const { pods } = JSON.parse(await kubectl("get", "--raw", "/api/v1/nodes/csi/proxy/stats/summary"));
    expect(pods.length).toBeGreaterThan(1);
    // A container that ends is started again although its volume's driver is being told of it once more.
    const restarts = async () => (await json("get", "pod", "served")).status.containerStatuses[0].restartCount;
    const before = await restarts();
    await exec("served", "touch /tmp/enough");
    await eventually(async () => expect(await restarts()).toBeGreaterThan(before));
    await hangIn();
    // What was asked and never answered is given up by a driver that starts anew.
    await on.machine.run("pkill", ["-f", "support/csi-driver.ts"]);
    // It takes its socket along, in whose place the next one puts its own.
    await eventually(async () =>
      expect((await on.machine.run("pgrep", ["-f", "support/csi-driver.ts"])).stdout).toBe(""),
    );
    void startDriver();
    await kubectl("delete", "pod", "served", "--wait=false");
    await kubectl("wait", "--for=delete", "pod/served", "pod/waiting", "pod/leaving", "--timeout=150s");
    await eventually(async () => expect((await json("get", "csinode", "csi")).spec.drivers).toHaveLength(1));
  });

  test("goes on after a restart of the node, and detaches what the last pod has left", async () => {
    await on.cluster.stop();
    await on.cluster.start();
    await eventually(async () => expect(await exec("second", "cat /v/file")).toBe("kept\n"));
    await kubectl("delete", "pod", "first", "--timeout=150s");
    const unstaged = (await calls()).filter(({ call }) => call === "NodeUnstageVolume");
    expect(unstaged.map(({ volumeId }) => volumeId)).toEqual(["bare-1"]);
    await kubectl("delete", "pod", "second", "--timeout=150s");
    expect(await lastOf("disk-1")).toMatchObject({ call: "NodeUnstageVolume" });
    await eventually(async () => {
      expect(await attachments()).toEqual([]);
      expect((await json("get", "node", "csi")).status.volumesInUse).toBeUndefined();
    });
    expect(await on.machine.must("cat", [`${disks}/disk-1/file`])).toBe("kept\n");
    expect(await on.machine.must("ls", [`${kubelet}/pods`])).toBe("");
  });

  test("whose mounts skiff-killall.sh takes away, and skiff-uninstall.sh what they lay on, but not what is in them", async () => {
    const script = (name: string) => resolve(import.meta.dirname, "../../systemd", name);
    await apply(
      withVolume("inline", { csi: { driver, volumeAttributes: { size: "small" } } }),
      withVolume("claimed", claimed),
    );
    await eventually(async () => expect(await attachments()).toHaveLength(1));
    for (const { metadata } of await attachments()) await attach(metadata.name);
    await ready("inline", "claimed");
    expect(await exec("claimed", "cat /v/file")).toBe("kept\n");
    await on.cluster.stop();
    await on.machine.must("sh", [script("skiff-killall.sh")]);
    expect(await on.machine.must("sh", ["-c", `grep -c ${kubelet}/p /proc/mounts || true`])).toBe("0\n");
    await on.machine.must("sh", [
      "-c",
      `cp ${script("skiff-killall.sh")} /usr/local/bin/ && sh ${script("skiff-uninstall.sh")}`,
    ]);
    expect(await on.machine.must("sh", ["-c", `ls -d ${kubelet} 2>&1 || true`])).toContain("No such file");
    expect(await on.machine.must("cat", [`${disks}/disk-1/file`])).toBe("kept\n");
  });
});
