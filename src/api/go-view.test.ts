import { describe, expect, test } from "vitest";
import { goDiff, goView } from "./go-view.ts";

describe("values as Kubernetes prints its structs", () => {
  test("every field is there, in the order of the struct, by its Go name", () => {
    expect(JSON.stringify(goView("SeccompProfile", { type: "Localhost" }))).toBe(
      '{"Type":"Localhost","LocalhostProfile":null}',
    );
    expect(goView("Volume", { name: "a", nfs: { server: "s", path: "/" } })).toMatchObject({
      Name: "a",
      HostPath: null,
      NFS: { Server: "s", Path: "/", ReadOnly: false },
    });
  });

  test("a difference is shown with the lines around it", () => {
    const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, volumeName: "v" };
    expect(goDiff("PersistentVolumeClaimSpec", { ...claim, storageClassName: "b" }, claim)).toBe(
      [
        "@@ -10,7 +10,7 @@",
        "   }",
        "  },",
        '  "VolumeName": "v",',
        '- "StorageClassName": "b",',
        '+ "StorageClassName": null,',
        '  "VolumeMode": null,',
        '  "DataSource": null,',
        '  "DataSourceRef": null,',
        "",
      ].join("\n"),
    );
  });

  test("what is the same has no difference", () => {
    expect(goDiff("PodSpec", { hostNetwork: true }, { hostNetwork: true })).toBe("");
  });
});
