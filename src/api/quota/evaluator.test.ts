import { describe, expect, test } from "vitest";
import type { AnyObject } from "../object.ts";
import { quotaEvaluatorOf } from "./evaluator.ts";

const now = Date.parse("2030-01-01T00:00:00Z");

function object(rest: object): AnyObject {
  return { apiVersion: "v1", kind: "X", metadata: { name: "a" }, ...rest } as AnyObject;
}

function usage(resource: string, rest: object): unknown {
  return quotaEvaluatorOf(resource)?.usage(object(rest), now);
}

test("a pod uses itself and what its containers ask for, in every name that a quota has for it", () => {
  const resources = {
    requests: { cpu: "1", "example.com/gpu": "2", "hugepages-2Mi": "4Mi" },
    limits: { memory: "1Gi" },
  };
  expect(usage("pods", { spec: { containers: [{ name: "a", resources }], overhead: { cpu: "10m" } } })).toEqual({
    "count/pods": "1",
    pods: "1",
    cpu: "1010m",
    "requests.cpu": "1010m",
    "requests.example.com/gpu": "2",
    "hugepages-2Mi": "4Mi",
    "requests.hugepages-2Mi": "4Mi",
    "limits.memory": "1Gi",
  });
});

test("a pod that has ended uses only its place in the store", () => {
  const ended = { spec: { containers: [] }, status: { phase: "Succeeded" } };
  const lost = {
    spec: { containers: [] },
    metadata: { name: "a", deletionTimestamp: "2029-12-31T23:59:00Z", deletionGracePeriodSeconds: 30 },
  };
  expect(usage("pods", ended)).toEqual({ "count/pods": "1" });
  expect(usage("pods", lost)).toEqual({ "count/pods": "1" });
});

test.each([
  [{ type: "ClusterIP", ports: [{}] }, "0", "0"],
  [{ type: "NodePort", ports: [{}, {}] }, "2", "0"],
  [{ type: "LoadBalancer", ports: [{}, {}] }, "2", "1"],
  [{ type: "LoadBalancer", ports: [{ nodePort: 30000 }, {}], allocateLoadBalancerNodePorts: false }, "1", "1"],
])("services use node ports and load balancers: %j", (spec, nodePorts, balancers) => {
  expect(usage("services", { spec })).toEqual({
    "count/services": "1",
    services: "1",
    "services.nodeports": nodePorts,
    "services.loadbalancers": balancers,
  });
});

test("a claim uses storage, also that of its class", () => {
  const spec = { storageClassName: "fast", resources: { requests: { storage: "1Gi" } } };
  expect(usage("persistentvolumeclaims", { spec, status: { allocatedResources: { storage: "2Gi" } } })).toEqual({
    "count/persistentvolumeclaims": "1",
    persistentvolumeclaims: "1",
    "requests.storage": "2Gi",
    "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
    "fast.storageclass.storage.k8s.io/requests.storage": "2Gi",
  });
});

test("a device claim uses devices of classes; of alternatives, the largest", () => {
  const requests = [
    { exactly: { deviceClassName: "gpu", count: 2 } },
    {
      firstAvailable: [
        { deviceClassName: "gpu", count: 3 },
        { deviceClassName: "gpu", count: 1 },
        { deviceClassName: "nic" },
      ],
    },
    { exactly: { deviceClassName: "nic", allocationMode: "All" } },
  ];
  expect(usage("resourceclaims.resource.k8s.io", { spec: { devices: { requests } } })).toEqual({
    "count/resourceclaims.resource.k8s.io": "1",
    "gpu.deviceclass.resource.k8s.io/devices": "5",
    "nic.deviceclass.resource.k8s.io/devices": "33",
  });
});

test("everything else is counted; secrets and the like also by their plain name", () => {
  expect(usage("secrets", {})).toEqual({ secrets: "1", "count/secrets": "1" });
  expect(usage("widgets.example.com", {})).toEqual({ "count/widgets.example.com": "1" });
  expect(quotaEvaluatorOf("events")).toBeUndefined();
});

describe("scopes of pods", () => {
  const urgent = { priorityClassName: "urgent" };
  test.each([
    ["Terminating", { activeDeadlineSeconds: 5 }, true],
    ["NotTerminating", { activeDeadlineSeconds: 5 }, false],
    ["BestEffort", {}, true],
    ["NotBestEffort", { resources: { requests: { cpu: "1" } } }, true],
    ["CrossNamespacePodAffinity", {}, false],
    [
      "CrossNamespacePodAffinity",
      { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ namespaceSelector: {} }] } } },
      true,
    ],
    ["PriorityClass Exists", {}, false],
    ["PriorityClass Exists", urgent, true],
    ["PriorityClass In urgent", urgent, true],
    ["PriorityClass NotIn urgent", {}, true],
    ["PriorityClass DoesNotExist", urgent, false],
  ])("%s: %j", (scope, spec, isIn) => {
    const [scopeName = "", operator = "Exists", ...values] = scope.split(" ");
    const pod = object({ spec: { containers: [{ name: "a" }], ...spec } });
    expect(quotaEvaluatorOf("pods")?.isIn({ scopeName, operator, values }, pod)).toBe(isIn);
  });

  test("nothing else is in them", () => {
    expect(quotaEvaluatorOf("secrets")?.isIn({ scopeName: "BestEffort", operator: "Exists" }, object({}))).toBe(false);
  });
});
