import { beforeAll, describe, expect, test } from "vitest";
import type { Container, PersistentVolumeClaimSpec, PodSpec, StorageClass } from "../../src/api/schema/types.ts";
import { eventually } from "../support/eventually.ts";
import { journey } from "../support/journey.ts";
import { withVolume } from "../support/pods.ts";
import { secondNode } from "../support/second-node.ts";

const cluster = journey("one", ["busybox:1"]);
const { kubectl, json, apply, ready } = cluster;
const two = secondNode(cluster, "two");
const on = (node: "one" | "two", program: string, ...args: string[]): Promise<string> =>
  (node === "one" ? cluster : two).machine.must(program, args);
const exec = (pod: string, script: string) => kubectl("exec", pod, "--", "sh", "-c", script);
const events = (about: string) => kubectl("events", "--for", about);
const storage = "/var/lib/skiff/storage";

const aClass = (name: string, over: Partial<StorageClass>) => ({
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name },
  provisioner: "rancher.io/local-path",
  volumeBindingMode: "WaitForFirstConsumer",
  ...over,
});
const aClaim = (name: string, spec: Partial<PersistentVolumeClaimSpec> = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } }, ...spec },
});
/** A pod of a node that has `source` at /v and waits. */
const aPod = (
  name: string,
  source: object,
  {
    node = "one",
    spec = {},
    container = {},
  }: { node?: string; spec?: Partial<PodSpec>; container?: Partial<Container> } = {},
) => ({
  ...withVolume(name, source, { nodeSelector: { "kubernetes.io/hostname": node }, ...spec }, container),
  metadata: { name, labels: { app: name } },
});
const claimed = (claimName: string, readOnly = false) => ({ persistentVolumeClaim: { claimName, readOnly } });
const affinityTo = (node: string) => ({
  required: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] }],
  },
});

describe("the StorageClass local-path", () => {
  test("makes a volume on the node where the pod is, which brings the pod back there", async () => {
    await apply(aClaim("far"), aPod("far", claimed("far"), { node: "two" }));
    await ready("far");
    await exec("far", "echo kept >/v/file");
    const { spec } = await json("get", "pvc", "far");
    expect(await on("two", "cat", `${storage}/${spec.volumeName}_default_far/file`)).toBe("kept\n");
    expect((await on("two", "stat", "-c", "%a", `${storage}/${spec.volumeName}_default_far`)).trim()).toBe("777");

    await kubectl("delete", "pod", "far", "--timeout=150s");
    const { nodeSelector: _, ...anywhere } = aPod("far", claimed("far")).spec;
    await apply({ ...aPod("far", claimed("far")), spec: anywhere });
    await ready("far");
    expect((await json("get", "pod", "far")).spec.nodeName).toBe("two");
    expect(await exec("far", "cat /v/file")).toBe("kept\n");
  });

  test("erases the directory behind the claim, on whichever node it is", async () => {
    await kubectl("delete", "pod/far", "pvc/far", "--timeout=150s");
    await eventually(async () => {
      expect((await json("get", "pv")).items).toEqual([]);
      expect((await on("two", "ls", storage)).trim()).toBe("");
    });
  });

  test("says what it cannot do", async () => {
    const block = aPod("block", claimed("block"), {
      container: { volumeMounts: [], volumeDevices: [{ name: "v", devicePath: "/dev/v" }] },
    });
    await apply(
      aClaim("many", { accessModes: ["ReadWriteMany"] }),
      aPod("many", claimed("many")),
      aClaim("block", { volumeMode: "Block" }),
      block,
    );
    await eventually(async () => {
      expect(await events("pvc/many")).toMatch(
        /ProvisioningFailed .*failed to provision volume with StorageClass "local-path": NodePath only supports ReadWriteOnce and ReadWriteOncePod/,
      );
      expect(await events("pvc/block")).toMatch(/rancher.io\/local-path does not support block volume provisioning/);
    });
    await kubectl("delete", "pod/many", "pod/block", "pvc/many", "pvc/block", "--timeout=150s");
  });

  test("lets classes say where volumes lie, and that they are kept", async () => {
    const parameters = { nodePath: "/run/disk", pathPattern: "{{ .PVC.Namespace }}/{{ .PVC.Name }}" };
    await apply(
      aClass("kept", { parameters, reclaimPolicy: "Retain" }),
      aClaim("kept", { storageClassName: "kept" }),
      aPod("kept", claimed("kept")),
    );
    await ready("kept");
    await exec("kept", "echo kept >/v/file");
    await kubectl("delete", "pod/kept", "pvc/kept", "--timeout=150s");
    const released = async () =>
      (await json("get", "pv")).items.find((each: { status: { phase: string } }) => each.status.phase === "Released");
    await eventually(async () => expect(await released()).toBeDefined());
    await kubectl("delete", "pv", (await released()).metadata.name, "--timeout=150s");
    expect(await on("one", "cat", "/run/disk/default/kept/file")).toBe("kept\n");
  });

  test("serves ephemeral volumes, which go with their pod", async () => {
    const volumeClaimTemplate = { spec: aClaim("").spec };
    await apply(aPod("scratch", { ephemeral: { volumeClaimTemplate } }));
    await ready("scratch");
    expect(await on("one", "ls", storage)).toContain("_default_scratch-v");
    await kubectl("delete", "pod", "scratch", "--timeout=150s");
    await eventually(async () => expect((await on("one", "ls", storage)).trim()).toBe(""));
  });

  test("goes on after a restart of the node's agent and of the server", async () => {
    await apply(aClaim("old"), aPod("old", claimed("old"), { node: "two" }));
    await ready("old");
    await two.agent.stop();
    await apply(aClaim("new"), aPod("new", claimed("new"), { node: "two" }));
    await cluster.cluster.stop();
    await cluster.cluster.start();
    await kubectl("delete", "pod/old", "pvc/old", "--wait=false");
    two.agent.start();
    await ready("new");
    await eventually(async () => {
      const kept = (await on("two", "ls", storage)).trim().split("\n");
      expect(kept).toEqual([expect.stringMatching(/_default_new$/)]);
    });
    await kubectl("delete", "pod/new", "pvc/new", "--timeout=150s");
  });
});

describe("a claim in a pod", () => {
  beforeAll(async () => {
    await apply(aClaim("shared"), aClaim("single", { accessModes: ["ReadWriteOncePod"] }));
  });

  test("belongs to the pod's group with all that is in it, unless its root says that it does already", async () => {
    const asUser = (fsGroupChangePolicy: string) => ({
      spec: { securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000, fsGroupChangePolicy } },
    });
    await apply(aPod("root", claimed("shared")));
    await ready("root");
    await exec("root", "mkdir /v/deep; echo 1 >/v/deep/file; chmod 700 /v/deep; chmod 600 /v/deep/file");
    await apply(aPod("user", claimed("shared"), asUser("Always")));
    await ready("user");
    expect(await exec("user", "echo 2 >>/v/deep/file; stat -c '%a %g' /v /v/deep /v/deep/file")).toBe(
      "2777 2000\n2770 2000\n660 2000\n",
    );
    await exec("root", "chmod 600 /v/deep/file; chown :0 /v/deep/file");
    await apply(aPod("careful", claimed("shared"), asUser("OnRootMismatch")));
    await ready("careful");
    expect(await exec("careful", "stat -c '%a %g' /v/deep/file")).toBe("600 0\n");
  });

  test("is read-only where the pod says so, and may be entered further below", async () => {
    await apply(
      aPod("reader", claimed("shared", true)),
      aPod("below", claimed("shared"), {
        container: {
          env: [{ name: "WHERE", value: "deep" }],
          volumeMounts: [{ name: "v", mountPath: "/v", subPathExpr: "$(WHERE)/er" }],
        },
      }),
    );
    await ready("reader", "below");
    expect(await exec("reader", "touch /v/new 2>&1 || cat /v/deep/file")).toMatch(/Read-only file system\n1\n2\n$/);
    await exec("below", "touch /v/here");
    expect(await exec("reader", "ls /v/deep/er")).toBe("here\n");
  });

  test("for a single pod keeps a second one waiting", async () => {
    await apply(aPod("first", claimed("single")));
    await ready("first");
    await apply(aPod("second", claimed("single")));
    await eventually(async () =>
      expect(await events("pod/second")).toContain(
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
      ),
    );
    await kubectl("delete", "pod", "first", "--timeout=150s");
    await ready("second");
  });
});

describe("volumes that lie on a node", () => {
  const aVolume = (name: string, spec: object) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name },
    spec: {
      capacity: { storage: "16Mi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "by-hand",
      claimRef: { namespace: "default", name },
      ...spec,
    },
  });
  const byHand = (name: string, more: object = {}) =>
    aClaim(name, { storageClassName: "by-hand", resources: { requests: { storage: "16Mi" } }, ...more });
  const anywhere = (name: string, source: object, container: Partial<Container> = {}) => {
    const { nodeSelector: _, ...spec } = aPod(name, source, { container }).spec;
    return { ...aPod(name, source), spec };
  };

  test("bring their pods to it, whatever sort they are", async () => {
    await on("two", "mkdir", "-p", "/run/by-hand");
    await apply(
      aVolume("by-path", {
        hostPath: { path: "/run/by-path", type: "DirectoryOrCreate" },
        nodeAffinity: affinityTo("two"),
      }),
      aVolume("by-local", { local: { path: "/run/by-hand" }, nodeAffinity: affinityTo("two") }),
      byHand("by-path"),
      byHand("by-local"),
      anywhere("by-path", claimed("by-path")),
      anywhere("by-local", claimed("by-local")),
    );
    await ready("by-path", "by-local");
    await exec("by-path", "echo path >/v/file");
    await exec("by-local", "echo local >/v/file");
    expect(await on("two", "cat", "/run/by-path/file", "/run/by-hand/file")).toBe("path\nlocal\n");
  });

  test("may be bare devices", async () => {
    await on("one", "dd", "if=/dev/zero", "of=/var/lib/skiff/disk", "bs=1M", "count=16");
    const device = (await on("one", "losetup", "--find", "--show", "/var/lib/skiff/disk")).trim();
    await apply(
      aVolume("bare", { local: { path: device }, volumeMode: "Block", nodeAffinity: affinityTo("one") }),
      byHand("bare", { volumeMode: "Block" }),
      anywhere("bare", claimed("bare"), {
        volumeMounts: [],
        volumeDevices: [{ name: "v", devicePath: "/dev/bare" }],
      }),
    );
    await ready("bare");
    await exec("bare", "echo written | dd of=/dev/bare conv=fsync 2>/dev/null");
    expect(await on("one", "head", "-c", "8", device)).toBe("written\n");
    await kubectl("delete", "pod", "bare", "--timeout=150s");
    await on("one", "losetup", "--detach", device);
  });

  test("show what is mounted in them later, where that is asked for", async () => {
    await on(
      "one",
      "sh",
      "-c",
      "mkdir -p /run/later/sub; mount --bind /run/later /run/later; mount --make-rshared /run/later",
    );
    await apply(
      aPod(
        "later",
        { hostPath: { path: "/run/later" } },
        {
          container: { volumeMounts: [{ name: "v", mountPath: "/v", mountPropagation: "HostToContainer" }] },
        },
      ),
      aPod("never", { hostPath: { path: "/run/later" } }),
    );
    await ready("later", "never");
    await on("one", "sh", "-c", "mount -t tmpfs tmpfs /run/later/sub && touch /run/later/sub/file");
    expect(await exec("later", "ls /v/sub")).toBe("file\n");
    expect(await exec("never", "ls /v/sub")).toBe("");
  });

  test("that a node does not have are named", async () => {
    const sorts = {
      iscsi: { iscsi: { targetPortal: "10.0.0.1", iqn: "iqn.2000-01.org.example:a", lun: 0 } },
      csi: { csi: { driver: "disk.example.com" } },
      nfs: { nfs: { server: "127.0.0.1", path: "/none" } },
    };
    await apply(...Object.entries(sorts).map(([name, source]) => aPod(name, source)));
    const failed = (name: string, why: RegExp) =>
      eventually(async () => {
        const told = await events(`pod/${name}`);
        expect(told).toMatch(/Warning +FailedMount +.*MountVolume.SetUp failed for volume "v" : /);
        expect(told).toMatch(why);
      });
    await failed("iscsi", /no volume plugin matched: skiff's nodes have none for volumes of sort iscsi/);
    await failed("csi", /driver name disk.example.com not found in the list of registered CSI drivers/);
    await failed("nfs", /mount/);
  });
});
