import { expect, test } from "vitest";
import { runtimeClass } from "./runtime-class.ts";
import { anObject, aPod, refusalBy, reviewOf, storeWith } from "./testing/reviews.ts";

async function step(rest: object): Promise<ReturnType<typeof runtimeClass>> {
  return runtimeClass({
    store: await storeWith(
      anObject("node.k8s.io/v1", "RuntimeClass", { metadata: { name: "rc" }, handler: "h", ...rest }),
    ),
  });
}

test("a pod gets its class's overhead, node selector and tolerations", async () => {
  const toleration = { key: "k", operator: "Exists" };
  const pod = aPod({
    runtimeClassName: "rc",
    nodeSelector: { c: "d" },
    tolerations: [{ key: "k", operator: "Equal", value: "v" }],
  });
  const added = await step({
    overhead: { podFixed: { cpu: "10m" } },
    scheduling: { nodeSelector: { a: "b" }, tolerations: [toleration] },
  });
  expect(await refusalBy(added, reviewOf(pod))).toBeUndefined();
  expect(pod.spec).toEqual({
    runtimeClassName: "rc",
    overhead: { cpu: "10m" },
    nodeSelector: { a: "b", c: "d" },
    tolerations: [toleration],
  });
});

test.each([
  ["a class that is not there", { runtimeClassName: "x" }, 'pod rejected: RuntimeClass "x" not found'],
  [
    "overhead without a class",
    { overhead: { cpu: "1" } },
    "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
  ],
  [
    "another overhead than the class's",
    { runtimeClassName: "rc", overhead: { cpu: "1" } },
    "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
  ],
  [
    "another node than the class's",
    { runtimeClassName: "rc", nodeSelector: { a: "z" } },
    "conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = z",
  ],
])("refused: %s", async (_, spec, why) => {
  const refusing = await step({ overhead: { podFixed: { cpu: "10m" } }, scheduling: { nodeSelector: { a: "b" } } });
  expect(await refusalBy(refusing, reviewOf(aPod(spec)))).toBe(`pods "a" is forbidden: ${why}`);
});
