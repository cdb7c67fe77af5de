import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import { wrongWithChange, wrongWithNew } from "../testing/judge.ts";
import { csiDriver } from "./csi-driver.ts";
import { csiNode } from "./csi-node.ts";
import { storageClass } from "./storage-class.ts";
import { volumeAttachment } from "./volume-attachment.ts";
import { volumeAttributesClass } from "./volume-attributes-class.ts";

describe("CSIDrivers", () => {
  test.each<[what: string, spec: object, wrong: string[]]>([
    ["one that says nothing", {}, []],
    [
      "a policy that is none",
      { fsGroupPolicy: "Maybe" },
      ['spec.fsGroupPolicy: Unsupported value: "Maybe": supported values: "File", "None", "ReadWriteOnceWithFSType"'],
    ],
    [
      "a mode that is none",
      { volumeLifecycleModes: ["Short"] },
      ['spec.volumeLifecycleModes: Unsupported value: "Short": supported values: "Persistent", "Ephemeral"'],
    ],
    [
      "an audience twice, the second time for a moment",
      {
        tokenRequests: [{ audience: "a" }, { audience: "a", expirationSeconds: 1 }],
        serviceAccountTokenInSecrets: true,
      },
      ['spec.tokenRequests[1].audience: Duplicate value: "a"'],
    ],
  ])("%s", (_, spec, wrong) => expect(wrongWithNew(csiDriver, { spec })).toEqual(wrong));

  test("keep whether they attach, and may change who owns files", () => {
    const changes = { attachRequired: false, fsGroupPolicy: "None" };
    expect(wrongWithChange(csiDriver, { spec: {} }, { spec: changes })).toEqual([
      "spec.attachedRequired: Invalid value: false: field is immutable",
    ]);
  });
});

test("a CSINode names a key of its topology once", () => {
  const drivers = [{ name: "d.example.com", nodeID: "n", topologyKeys: ["a", "a"] }];
  expect(wrongWithNew(csiNode, { spec: { drivers } })).toEqual(['spec.drivers[0]: Duplicate value: "a"']);
});

test("a CSINode's driver stays on the node that it knows", () => {
  const whole = (nodeID: string, count: number) => ({
    spec: { drivers: [{ name: "d.example.com", nodeID, allocatable: { count } }] },
  });
  expect(wrongWithChange(csiNode, whole("a", 1), whole("a", 2))).toEqual([]);
  expect(wrongWithChange(csiNode, whole("a", 1), whole("b", 1))).toEqual([
    'spec.drivers: Invalid value: {"Name":"d.example.com","NodeID":"b","TopologyKeys":null,"Allocatable":null}: field is immutable',
  ]);
});

test("a VolumeAttachment is shown whole when it changes", () => {
  const spec = (nodeName: string) => ({
    spec: { attacher: "d.example.com", nodeName, source: { persistentVolumeName: "pv" } },
  });
  expect(wrongWithChange(volumeAttachment, spec("a"), spec("b"))).toEqual([
    'spec: Invalid value: {"Attacher":"d.example.com","Source":{"PersistentVolumeName":"pv","InlineVolumeSpec":null},"NodeName":"b"}: field is immutable',
  ]);
});

describe("StorageClasses", () => {
  const term = (values: string[]) => ({ matchLabelExpressions: [{ key: "zone", values }] });

  test.each<[what: string, allowedTopologies: object[], wrong: string[]]>([
    ["two places", [term(["a"]), term(["b"])], []],
    [
      "one place in two orders",
      [term(["a", "b"]), term(["b", "a"])],
      ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'],
    ],
    ["nowhere", [{}], ['allowedTopologies[0].matchLabelExpressions: Duplicate value: ""']],
  ])("allow %s", (_, allowedTopologies, wrong) => {
    expect(wrongWithNew(storageClass, { provisioner: "p.example.com", allowedTopologies })).toEqual(wrong);
  });
});

test("a VolumeAttributesClass is of a driver by any name that classes have", () => {
  const parameters = { a: "b" };
  expect(wrongWithNew(volumeAttributesClass, { driverName: "Example.com/driver", parameters })).toEqual([]);
  expect(wrongWithNew(volumeAttributesClass, { driverName: "d" })).toEqual([
    "parameters: Required value: must contain at least one key/value pair",
  ]);
});

test("a VolumeAttachment is told of errors in few words", () => {
  const of = (status: object) => ({ spec: { attacher: "d.example.com", nodeName: "n", source: {} }, status }) as never;
  const errors = volumeAttachment.strategy.validateSubresource?.(
    "status",
    of({ attachError: { message: "a".repeat(1025), errorCode: -1 } }),
    of({}),
    new Path(),
  );
  expect(errors?.map(({ field, message }) => `${field}: ${message}`)).toEqual([
    "status.attachError.message: Too long: may not be more than 262144 bytes",
    "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
  ]);
});
