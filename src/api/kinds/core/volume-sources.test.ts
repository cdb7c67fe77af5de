import { describe, expect, test } from "vitest";
import { wrongWithNew } from "../testing/judge.ts";
import { persistentVolume } from "./persistent-volume.ts";
import { pod } from "./pod.ts";

const containers = [{ name: "main", image: "app:1" }];
const withVolume = (source: object) => ({ spec: { containers, volumes: [{ name: "v", ...source }] } });
const sound = { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"] };
const templated = (metadata: object) => ({
  ephemeral: {
    volumeClaimTemplate: {
      metadata,
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    },
  },
});
const starts = "must be valid format starting with iqn, eui, or naa";

describe("a volume of a pod", () => {
  const at = "spec.volumes[0]";
  test.each<[string, source: object, wrong: string[]]>([
    [
      "has a partition that there can be",
      { gcePersistentDisk: { pdName: "d", partition: 256 } },
      [`${at}.persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive`],
    ],
    [
      "names a target",
      { iscsi: { targetPortal: "1.2.3.4", iqn: "nothing", lun: 256 } },
      [
        `${at}.iscsi.iqn: Invalid value: "nothing": ${starts}`,
        `${at}.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive`,
      ],
    ],
    [
      "has a secret for a session with a password",
      { iscsi: { targetPortal: "p", iqn: "iqn.2001-04.com.example:a", chapAuthSession: true } },
      [`${at}.iscsi.secretRef: Required value`],
    ],
    [
      "has one flocker data set",
      { flocker: { datasetName: "a/b", datasetUUID: "u" } },
      [
        `${at}.flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified simultaneously`,
        `${at}.flocker.datasetName: Invalid value: "a/b": must not contain '/'`,
      ],
    ],
    [
      "leaves reserved options alone",
      { flexVolume: { driver: "d", options: { "a.kubernetes.io/x": "1" } } },
      [
        `${at}.flexVolume.options[a.kubernetes.io/x]: Invalid value: "a.kubernetes.io/x": kubernetes.io and k8s.io namespaces are reserved`,
      ],
    ],
    [
      "lies on a disk of its sort",
      { azureDisk: { diskName: "d", diskURI: "x", kind: "Managed", cachingMode: "No" } },
      [
        `${at}.azureDisk.cachingMode: Unsupported value: "No": supported values: "None", "ReadOnly", "ReadWrite"`,
        `${at}.azureDisk.diskURI: Unsupported value: "x": supported values: "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"`,
      ],
    ],
    [
      "is looked for at host and port",
      { quobyte: { registry: "host", volume: "v" } },
      [`${at}.quobyte.registry: Invalid value: "host": must be a host:port pair or multiple pairs separated by commas`],
    ],
    [
      "has one source only",
      { cinder: { volumeID: "i" }, cephfs: { monitors: ["m"] } },
      [`${at}.cephFS: Forbidden: may not specify more than 1 volume type`],
    ],
    [
      "checks out below its own directory",
      { gitRepo: { repository: "r", directory: "/x" } },
      [`${at}.gitRepo.directory: Invalid value: "/x": must be a relative path`],
    ],
    [
      "gives its claim labels and annotations alone",
      templated({ name: "n", finalizers: ["a.b/c"] }),
      [
        `${at}.ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set`,
        `${at}.ephemeral.volumeClaimTemplate.metadata.finalizers: Forbidden: cannot be set`,
      ],
    ],
    [
      "projects no two files to one path",
      {
        projected: {
          sources: [
            {
              secret: {
                name: "s",
                items: [
                  { key: "a", path: "p" },
                  { key: "", path: "p" },
                ],
              },
            },
          ],
        },
      },
      [
        `${at}.projected.sources[0].secret.items[1].key: Required value`,
        `${at}.projected: Invalid value: "s": conflicting duplicate paths`,
      ],
    ],
  ])("%s", (_, source, wrong) => expect(wrongWithNew(pod, withVolume(source))).toEqual(wrong));
});

describe("a PersistentVolume", () => {
  test.each<[string, spec: object, wrong: string[]]>([
    [
      "says of which namespace a secret is",
      { cinder: { volumeID: "i", secretRef: { name: "s" } } },
      ["spec.cinder.secretRef.namespace: Required value"],
    ],
    [
      "names no empty namespace",
      { azureFile: { secretName: "s", shareName: "h", secretNamespace: "" } },
      ["spec.azureFile.secretNamespace: Required value"],
    ],
    [
      "is judged as a flex volume beside another",
      { nfs: { server: "s", path: "/" }, flexVolume: {} },
      ["spec.flexVolume.driver: Required value"],
    ],
    [
      "does not recycle the whole host",
      { hostPath: { path: "/a/.." }, persistentVolumeReclaimPolicy: "Recycle" },
      [
        "spec.hostPath.path: Invalid value: \"/a/..\": must not contain '..'",
        "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
      ],
    ],
    [
      "that is local says on which nodes",
      { local: { path: "/x" } },
      ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
    ],
  ])("%s", (_, spec, wrong) => expect(wrongWithNew(persistentVolume, { spec: { ...sound, ...spec } })).toEqual(wrong));
});
