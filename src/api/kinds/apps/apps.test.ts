import { describe, expect, test } from "vitest";
import { Path } from "../../field.ts";
import { sent, wrongWithChange, wrongWithNew } from "../testing/judge.ts";
import { controllerRevision } from "./controller-revision.ts";
import { daemonSet } from "./daemon-set.ts";
import { deployment } from "./deployment.ts";
import { replicaSet } from "./replica-set.ts";
import { statefulSet } from "./stateful-set.ts";

const template = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "main", image: "app:1" }] } };
const spec = { selector: { matchLabels: { app: "a" } }, template };
const wrongLabel = `spec.template.labels: Invalid value: "b c": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
const mismatch = 'Invalid value: {"app":"a"}: `selector` does not match template `labels`';

describe("apps: what is wrong with a new object", () => {
  test.each([
    ["a good Deployment", deployment, {}, []],
    [
      "a Deployment without a selector",
      deployment,
      { selector: null },
      ["spec.selector: Required value", `spec.template.metadata.labels: ${mismatch}`],
    ],
    [
      "a selector that selects everything",
      deployment,
      { selector: {} },
      ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    ],
    [
      "a selector that selects others",
      replicaSet,
      { selector: { matchLabels: { app: "b" } } },
      [`spec.template.metadata.labels: ${mismatch}`],
    ],
    [
      "pods that end",
      replicaSet,
      { template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
    [
      "pods with a deadline",
      daemonSet,
      { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } },
      ["spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported"],
    ],
    [
      "fewer than no replicas",
      statefulSet,
      { replicas: -1 },
      ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
    ],
    [
      "an update that can neither add nor remove",
      deployment,
      { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      ["spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"],
    ],
    [
      "more than all unavailable",
      deployment,
      { strategy: { rollingUpdate: { maxUnavailable: "120%" } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "120%": must not be greater than 100%'],
    ],
    [
      "an unknown strategy",
      deployment,
      { strategy: { type: "Slow" } },
      [
        'spec.strategy: Unsupported value: {"Type":"Slow","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
      ],
    ],
    [
      "a deadline that comes too early",
      deployment,
      { minReadySeconds: 700 },
      ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"],
    ],
    [
      "a DaemonSet that adds and removes at once",
      daemonSet,
      { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } },
      ["spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero"],
    ],
    [
      "pods in an unknown order",
      statefulSet,
      { podManagementPolicy: "Random" },
      [`spec.podManagementPolicy: Invalid value: "Random": must be 'OrderedReady' or 'Parallel'`],
    ],
    [
      "a partition for pods that wait to be deleted",
      statefulSet,
      { updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } },
      [
        `spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: only allowed for updateStrategy 'RollingUpdate'`,
      ],
    ],
    [
      "pods that cannot be",
      statefulSet,
      {
        template: {
          metadata: { labels: { app: "a", "b c": "" } },
          spec: { containers: [{ name: "main", volumeMounts: [{ name: "data", mountPath: "/d" }] }] },
        },
      },
      [
        wrongLabel,
        "spec.template.spec.containers[0].image: Required value",
        'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
        wrongLabel,
      ],
    ],
    [
      "pods with a claim each",
      statefulSet,
      {
        template: {
          ...template,
          spec: { containers: [{ name: "main", image: "i", volumeMounts: [{ name: "data", mountPath: "/d" }] }] },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: "data" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
          },
        ],
      },
      [],
    ],
    [
      "an unknown fate of claims",
      statefulSet,
      { persistentVolumeClaimRetentionPolicy: { whenDeleted: "Burn" } },
      [
        'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Burn": supported values: "Retain", "Delete"',
      ],
    ],
  ])("%s", (_, kind, fields, wrong) => {
    expect(wrongWithNew(kind, { spec: { ...spec, ...fields } })).toEqual(wrong);
  });

  test("a revision's data is an object", () => {
    expect(wrongWithNew(controllerRevision, { revision: 1, data: {} })).toEqual([]);
    expect(wrongWithNew(controllerRevision, { revision: 1, data: [] })).toEqual([
      "data: Required value: data must be a valid JSON object",
    ]);
  });

  test("a revision needs data", () => {
    expect(wrongWithNew(controllerRevision, { revision: -1 })).toEqual([
      "revision: Invalid value: -1: must be greater than or equal to 0",
      "data: Required value: data is mandatory",
    ]);
  });
});

describe("apps: what changes", () => {
  test("a StatefulSet may not move to another Service", () => {
    const moved = wrongWithChange(statefulSet, { spec }, { spec: { ...spec, serviceName: "other" } });
    expect(moved.map((line) => line.slice(0, 39))).toEqual(["spec: Forbidden: updates to statefulset"]);
    expect(wrongWithChange(statefulSet, { spec }, { spec: { ...spec, replicas: 3 } })).toEqual([]);
  });

  test("a StatefulSet with a template that was always wrong can be changed", () => {
    const wrong = { ...spec, template: { ...template, spec: { containers: [{ name: "main" }] } } };
    expect(wrongWithChange(statefulSet, { spec: wrong }, { spec: { ...wrong, replicas: 3 } })).toEqual([]);
    expect(wrongWithChange(statefulSet, { spec }, { spec: wrong })).toEqual([
      "spec.template.spec.containers[0].image: Required value",
    ]);
  });

  test("counts of collisions do not fall", () => {
    for (const kind of [deployment, daemonSet, statefulSet]) {
      const [old, next] = [4, 3].map((collisionCount) => sent(kind, { spec, status: { collisionCount } }));
      const errors = kind.strategy.validateSubresource?.("status", next as never, old as never, new Path());
      expect(errors?.map(({ field, message }) => `${field}: ${message}`)).toEqual([
        "status.collisionCount: Invalid value: 3: cannot be decremented",
      ]);
    }
  });

  test("annotations raise a Deployment's generation, labels do not", () => {
    const plain = sent(deployment, { spec });
    const raises = deployment.strategy.raisesGeneration;
    expect(raises?.(sent(deployment, { spec }, { annotations: { a: "b" } }) as never, plain as never)).toBe(true);
    expect(raises?.(sent(deployment, { spec }, { labels: { a: "b" } }) as never, plain as never)).toBe(false);
  });

  test("a DaemonSet counts its templates", () => {
    const old = sent(daemonSet, { spec });
    daemonSet.strategy.prepareCreate?.(old as never, undefined as never);
    const next = sent(daemonSet, {
      spec: { ...spec, template: { ...template, metadata: { labels: { app: "a", b: "c" } } } },
    });
    daemonSet.strategy.prepareUpdate?.(next as never, old as never, undefined as never);
    expect([old, next].map(({ metadata }) => metadata.annotations)).toEqual([
      { "deprecated.daemonset.template.generation": "1" },
      { "deprecated.daemonset.template.generation": "2" },
    ]);
  });
});
