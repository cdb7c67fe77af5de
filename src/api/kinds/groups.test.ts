import { describe, expect, test } from "vitest";
import type { Kind } from "../kind.ts";
import { validatingAdmissionPolicy } from "./admissionregistration/validating-admission-policy.ts";
import { validatingWebhookConfiguration } from "./admissionregistration/validating-webhook-configuration.ts";
import { customResourceDefinition } from "./apiextensions/custom-resource-definition.ts";
import { apiService } from "./apiregistration/api-service.ts";
import { horizontalPodAutoscaler } from "./autoscaling/horizontal-pod-autoscaler.ts";
import { certificateSigningRequest } from "./certificates/certificate-signing-request.ts";
import { lease } from "./coordination/lease.ts";
import { endpointSlice } from "./discovery/endpoint-slice.ts";
import { priorityLevelConfiguration } from "./flowcontrol/priority-level-configuration.ts";
import { runtimeClass } from "./node/runtime-class.ts";
import { clusterRole } from "./rbac/cluster-role.ts";
import { role } from "./rbac/role.ts";
import { roleBinding } from "./rbac/role-binding.ts";
import { resourceClaim } from "./resource/resource-claim.ts";
import { resourceSlice } from "./resource/resource-slice.ts";
import { priorityClass } from "./scheduling/priority-class.ts";
import { csiNode } from "./storage/csi-node.ts";
import { storageClass } from "./storage/storage-class.ts";
import { volumeAttributesClass } from "./storage/volume-attributes-class.ts";
import { sent, wrongWithChange, wrongWithNew } from "./testing/judge.ts";

const target = { apiVersion: "apps/v1", kind: "Deployment", name: "d" };
const roleRef = { kind: "Role", name: "r" };
const resourceRule = { apiGroups: [""], resources: ["pods"], verbs: ["get"] };
const hook = {
  name: "a.hooks.example.com",
  clientConfig: { url: "https://hook.example.com/v" },
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
};
const matchConstraints = {
  resourceRules: [{ operations: ["CREATE"], apiGroups: ["x"], apiVersions: ["v1"], resources: ["ys"] }],
};
const definition = {
  group: "example.com",
  scope: "Namespaced",
  names: { plural: "one", kind: "One" },
  versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
};
const schema = (openAPIV3Schema: object) => ({
  spec: { ...definition, versions: [{ ...definition.versions[0], schema: { openAPIV3Schema } }] },
});
const place = "spec.validation.openAPIV3Schema";

/** What each line would be, had it nothing wrong, is in the constants above. */
const rows: [name: string, kind: Kind<never>, fields: object, wrong: string[]][] = [
  [
    "an autoscaler without a maximum",
    horizontalPodAutoscaler,
    { spec: { scaleTargetRef: target } },
    [
      "spec.maxReplicas: Required value: must be set and greater than 0",
      "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
    ],
  ],
  [
    "a metric without a source",
    horizontalPodAutoscaler,
    { spec: { maxReplicas: 3, scaleTargetRef: target, metrics: [{ type: "Resource" }] } },
    ["spec.metrics[0].resource: Required value: must populate information for the given metric source"],
  ],
  [
    "a rule without verbs",
    role,
    { rules: [{ ...resourceRule, verbs: [] }] },
    ["rules[0].verbs: Required value: verbs must contain at least one value"],
  ],
  [
    "a path in a namespace's role",
    role,
    { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] },
    ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
  ],
  ["a path in the cluster's role", clusterRole, { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] }, []],
  [
    "a robot",
    roleBinding,
    { roleRef, subjects: [{ kind: "Robot", name: "r" }] },
    ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
  ],
  ["no provisioner", storageClass, {}, ["provisioner: Required value"]],
  [
    "two drivers of one name",
    csiNode,
    {
      spec: {
        drivers: [
          { name: "d.example.com", nodeID: "x" },
          { name: "d.example.com", nodeID: "y" },
        ],
      },
    },
    ['spec.drivers[1].name: Duplicate value: "d.example.com"'],
  ],
  [
    "no parameters",
    volumeAttributesClass,
    { driverName: "d.example.com" },
    ["parameters: Required value: must contain at least one key/value pair"],
  ],
  [
    "a lease for no time",
    lease,
    { spec: { leaseDurationSeconds: 0 } },
    ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
  ],
  [
    "too high a priority",
    priorityClass,
    { value: 2_000_000_000 },
    ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
  ],
  ["no handler", runtimeClass, {}, ["handler: Required value"]],
  [
    "an address of the other family",
    endpointSlice,
    { addressType: "IPv6", endpoints: [{ addresses: ["192.0.2.1"] }] },
    ['endpoints[0].addresses[0]: Invalid value: "192.0.2.1": must be an IPv6 address'],
  ],
  [
    "a request that is none",
    certificateSigningRequest,
    { spec: { request: "eA==", signerName: "nodomain", usages: ["client auth"] } },
    [
      'spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST',
      "spec.signerName: Invalid value: \"nodomain\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
    ],
  ],
  [
    "an API that is not called after itself",
    apiService,
    { spec: { group: "g.example.com", version: "v1", groupPriorityMinimum: 1, versionPriority: 1 } },
    ['metadata.name: Invalid value: "one": must be `spec.version+"."+spec.group`: "v1.g.example.com"'],
  ],
  [
    "a webhook over HTTP",
    validatingWebhookConfiguration,
    { webhooks: [{ ...hook, clientConfig: { url: "http://x" } }] },
    [
      "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
    ],
  ],
  [
    "a policy without anything to say",
    validatingAdmissionPolicy,
    { spec: { matchConstraints } },
    [
      "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
      "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
    ],
  ],
  [
    "a hand larger than the deck",
    priorityLevelConfiguration,
    { spec: { type: "Limited", limited: { limitResponse: { type: "Queue", queuing: { queues: 2, handSize: 5 } } } } },
    ["spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (2)"],
  ],
  [
    "a request for nothing",
    resourceClaim,
    { spec: { devices: { requests: [{ name: "a" }] } } },
    ["spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required"],
  ],
  [
    "devices nowhere",
    resourceSlice,
    { spec: { driver: "d.example.com", pool: { name: "p", resourceSliceCount: 1 } } },
    [
      "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
    ],
  ],
  [
    "a definition",
    customResourceDefinition,
    { spec: definition },
    ['metadata.name: Invalid value: "one": must be spec.names.plural+"."+spec.group'],
  ],
];

describe("what is wrong with a new object", () => {
  test.each(rows)("%s", (_, kind, fields, wrong) => {
    expect(wrongWithNew(kind as unknown as Kind, fields)).toEqual(wrong);
  });

  test.each([
    ["no type", {}, [`${place}.type: Required value: must not be empty at the root`]],
    [
      "a list at the root",
      { type: "array", items: { type: "string" } },
      [`${place}.type: Invalid value: "array": must be object at the root`],
    ],
    [
      "a field without a type",
      { type: "object", properties: { a: {} } },
      [`${place}.properties[a].type: Required value: must not be empty for specified object fields`],
    ],
    [
      "a field of an unknown type",
      { type: "object", properties: { a: { type: "text" } } },
      [
        `${place}.properties[a].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
      ],
    ],
    [
      "a condition that says what a field is",
      { type: "object", allOf: [{ type: "object" }] },
      [`${place}.allOf[0].type: Forbidden: must be empty to be structural`],
    ],
    [
      "a list by keys without keys",
      {
        type: "object",
        properties: { l: { type: "array", items: { type: "object" }, "x-kubernetes-list-type": "map" } },
      },
      [
        `${place}.properties[l].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
      ],
    ],
  ])("a schema with %s", (_, root, wrong) => {
    expect(wrongWithNew(customResourceDefinition, schema(root), { name: "one.example.com" })).toEqual(wrong);
  });
});

describe("what changes", () => {
  test("a binding never grants another role", () => {
    expect(wrongWithChange(roleBinding, { roleRef }, { roleRef: { ...roleRef, name: "other" } })).toEqual([
      'roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"other"}: cannot change roleRef',
    ]);
  });

  test("a node's renewals stay in memory, other leases go to disk", () => {
    const [mine, nodes] = ["default", "kube-node-lease"].map((namespace) => sent(lease, {}, { namespace }));
    expect([
      lease.durability?.(mine as never, mine as never),
      lease.durability?.(nodes as never, undefined),
      lease.durability?.(nodes as never, nodes as never),
    ]).toEqual(["commit", "commit", "memory"]);
  });
});
