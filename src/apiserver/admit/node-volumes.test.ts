import { describe, expect, test } from "vitest";
import type { AnyObject } from "../../api/object.ts";
import type { PersistentVolumeSpec } from "../../api/schema/types.ts";
import { volumeRefusal } from "./node-volumes.ts";
import { anObject, storeWith } from "./testing/reviews.ts";

const affinityTo = (name: string) => ({
  required: {
    nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [name] }] }],
  },
});
const ours = {
  "pv.kubernetes.io/provisioned-by": "rancher.io/local-path",
  "local.path.provisioner/selected-node": "two",
};

function aVolume(spec: Partial<PersistentVolumeSpec> = {}, annotations: Record<string, string> = ours): AnyObject {
  const usual = {
    local: { path: "/storage/a" },
    nodeAffinity: affinityTo("host-two"),
    claimRef: { namespace: "ns", name: "mine", uid: "1" },
  };
  return anObject("v1", "PersistentVolume", { metadata: { annotations }, spec: { ...usual, ...spec } });
}
const aClaim = (name: string, uid: string, node: string): AnyObject =>
  anObject("v1", "PersistentVolumeClaim", {
    metadata: { name, uid, annotations: { "volume.kubernetes.io/selected-node": node } },
    spec: {},
  });
const store = await storeWith(
  anObject("v1", "Node", { metadata: { name: "two", labels: { "kubernetes.io/hostname": "host-two" } } }),
  aClaim("mine", "1", "two"),
  aClaim("theirs", "2", "three"),
);

describe("a node makes", () => {
  test.each<[string, AnyObject, string | undefined]>([
    ["a volume for a claim that waits for it", aVolume(), undefined],
    ["none of another provisioner", aVolume({}, {}), "can only write volumes of its own directories"],
    [
      "none of another node",
      aVolume({}, { ...ours, "local.path.provisioner/selected-node": "three" }),
      "its own directories",
    ],
    ["none that pods of another node would use", aVolume({ nodeAffinity: affinityTo("three") }), "for itself alone"],
    [
      "none of network storage",
      aVolume({ local: undefined, nfs: { server: "a", path: "/" } } as never),
      "local or hostPath",
    ],
    [
      "none for a claim of another node",
      aVolume({ claimRef: { namespace: "ns", name: "theirs", uid: "2" } }),
      "selected node",
    ],
    [
      "none for a claim that was made anew",
      aVolume({ claimRef: { namespace: "ns", name: "mine", uid: "0" } }),
      "selected node",
    ],
  ])("%s", (_, object, why) => {
    const refusal = volumeRefusal("two", { object, old: undefined, operation: "CREATE" }, store);
    if (why === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toContain(why);
  });
});

describe("a node changes", () => {
  test.each<[string, AnyObject, AnyObject | undefined, string | undefined]>([
    ["what it made", aVolume(), aVolume(), undefined],
    ["not where it lies", aVolume(), aVolume({ local: { path: "/etc" } }), "cannot change a volume's spec"],
    ["nothing of others", aVolume({}, {}), aVolume(), "can only change volumes of its own directories"],
    ["not whose it is", aVolume(), aVolume({}, {}), "can only write volumes of its own directories"],
  ])("%s", (_, old, object, why) => {
    const refusal = volumeRefusal("two", { object, old, operation: "UPDATE" }, store);
    if (why === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toContain(why);
  });

  test("and deletes only what it made", () => {
    const deletes = (old: AnyObject) => volumeRefusal("two", { object: undefined, old, operation: "DELETE" }, store);
    expect(deletes(aVolume())).toBeUndefined();
    expect(deletes(aVolume({}, {}))).toContain("its own directories");
  });
});
