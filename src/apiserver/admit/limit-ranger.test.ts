import { describe, expect, test } from "vitest";
import { limitRanger } from "./limit-ranger.ts";
import { anObject, aPod, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

async function step(...limits: object[]): Promise<ReturnType<typeof limitRanger>> {
  return limitRanger({ store: await storeWith(anObject("v1", "LimitRange", { spec: { limits } })) });
}

function podAsking(resources: object): ReturnType<typeof aPod> {
  return aPod({ containers: [{ name: "main", resources }] });
}

test("containers get what the namespace gives by default, and the pod says so", async () => {
  const pod = aPod({
    containers: [{ name: "main" }],
    initContainers: [{ name: "i", resources: { limits: { cpu: "1" } } }],
  });
  const ranger = await step({
    type: "Container",
    default: { cpu: "500m" },
    defaultRequest: { memory: "1Gi", cpu: "1m" },
  });
  expect(await refusalBy(ranger, reviewOf(pod))).toBeUndefined();
  expect(pod.spec).toEqual({
    containers: [{ name: "main", resources: { limits: { cpu: "500m" }, requests: { cpu: "1m", memory: "1Gi" } } }],
    initContainers: [{ name: "i", resources: { limits: { cpu: "1" }, requests: { cpu: "1m", memory: "1Gi" } } }],
  });
  expect(pod.metadata.annotations).toEqual({
    "kubernetes.io/limit-ranger":
      "LimitRanger plugin set: cpu, memory request for container main; cpu limit for container main; cpu, memory request for init container i",
  });
});

describe("what a range forbids", () => {
  const bounds = { type: "Container", min: { cpu: "50m" }, max: { cpu: "1" }, maxLimitRequestRatio: { cpu: "8" } };
  test.each([
    [
      {},
      "[minimum cpu usage per Container is 50m.  No request is specified, maximum cpu usage per Container is 1.  No limit is specified, cpu max limit to request ratio per Container is 8, but no request is specified or request is 0]",
    ],
    [
      { requests: { cpu: "10m" }, limits: { cpu: "80m" } },
      "minimum cpu usage per Container is 50m, but request is 10m",
    ],
    [{ requests: { cpu: "2" }, limits: { cpu: "2" } }, "maximum cpu usage per Container is 1, but limit is 2"],
    [
      { requests: { cpu: "100m" }, limits: { cpu: "1" } },
      "cpu max limit to request ratio per Container is 8, but provided ratio is 10.000000",
    ],
    [{ requests: { cpu: "500m" }, limits: { cpu: "1" } }, undefined],
  ])("%j", async (resources, why) => {
    const refusal = await refusalBy(await step(bounds), reviewOf(podAsking(resources)));
    expect(refusal).toBe(why && `pods "a" is forbidden: ${why}`);
  });

  test("a pod's containers count together", async () => {
    const resources = { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } };
    const pod = aPod({
      containers: [
        { name: "a", resources },
        { name: "b", resources },
      ],
    });
    expect(await refusalBy(await step({ type: "Pod", max: { memory: "1Gi" } }), reviewOf(pod))).toBe(
      'pods "a" is forbidden: maximum memory usage per Pod is 1Gi, but limit is 2Gi',
    );
  });

  test("a claim's size", async () => {
    const claim = (storage: string): ReturnType<typeof aPod> =>
      anObject("v1", "PersistentVolumeClaim", { spec: { resources: { requests: { storage } } } });
    const ranger = await step({ type: "PersistentVolumeClaim", min: { storage: "1Gi" }, max: { storage: "5Gi" } });
    expect(await refusalBy(ranger, reviewOf(claim("9Gi")))).toBe(
      'persistentvolumeclaims "a" is forbidden: maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 9Gi',
    );
    // It was there before the range was.
    expect(await refusalBy(ranger, reviewOf(claim("9Gi"), { old: claim("9Gi") }))).toBeUndefined();
  });
});

test("pods that are changed are judged when they are resized, and only then", async () => {
  const ranger = await step({ type: "Container", max: { cpu: "1" } });
  const old = podAsking({ requests: { cpu: "1" }, limits: { cpu: "1" } });
  const next = podAsking({ requests: { cpu: "1" }, limits: { cpu: "2" } });
  expect(await refusalBy(ranger, reviewOf(next, { old }))).toBeUndefined();
  expect(await refusalBy(ranger, reviewOf(next, { old, subresource: "resize" }))).toContain("but limit is 2");
});
