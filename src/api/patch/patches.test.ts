import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { typeNode } from "../schema/table.ts";
import { jsonPatch } from "./json.ts";
import { mergePatch } from "./merge.ts";
import { strategicPatch } from "./strategic.ts";
import { sameValue } from "./value.ts";

describe("JSON patch", () => {
  const object = { metadata: { labels: { a: "1", "x/y": "2" } }, list: [1, 2, 3] };

  test.each<[unknown[], unknown]>([
    [
      [{ op: "add", path: "/metadata/labels/b", value: "3" }],
      { ...object, metadata: { labels: { a: "1", "x/y": "2", b: "3" } } },
    ],
    [[{ op: "remove", path: "/metadata/labels/x~1y" }], { ...object, metadata: { labels: { a: "1" } } }],
    [[{ op: "add", path: "/list/-", value: 4 }], { ...object, list: [1, 2, 3, 4] }],
    [[{ op: "add", path: "/list/0", value: 0 }], { ...object, list: [0, 1, 2, 3] }],
    [[{ op: "move", from: "/list/0", path: "/list/2" }], { ...object, list: [2, 3, 1] }],
    [[{ op: "copy", from: "/list", path: "/other" }], { ...object, other: [1, 2, 3] }],
    [[{ op: "test", path: "/none", value: null }], object],
  ])("%j", (patch, result) => {
    expect(jsonPatch(object, patch)).toEqual(result);
  });

  test.each<[unknown]>([
    [[{ op: "test", path: "/list/0", value: 9 }]],
    [[{ op: "remove", path: "/metadata/labels/none" }]],
    [[{ op: "replace", path: "/list/7", value: 1 }]],
    [[{ op: "add", path: "/none/deep", value: 1 }]],
    [[{ op: "add", path: "/list/9", value: 1 }]],
    [[{ op: "add", path: "bad", value: 1 }]],
    [[{ op: "jump", path: "/x" }]],
    [[{ op: "constructor", path: "/x" }]],
    [[{}]],
  ])("%j is refused as a whole", (patch) => {
    expect(() => jsonPatch(object, patch)).toThrow("the server rejected our request due to an error in our request");
  });

  test("null is no operation", () => {
    expect(jsonPatch(object, null)).toEqual(object);
  });

  test("never changes the object it is given", () => {
    const frozen = Object.freeze({ list: Object.freeze([1]) });
    expect(jsonPatch(frozen, [{ op: "add", path: "/list/-", value: 2 }])).toEqual({ list: [1, 2] });
  });
});

describe("merge patch", () => {
  test.each<[object, unknown, unknown]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
    [{ a: { b: 1 } }, { a: { b: null, c: 2 } }, { a: { c: 2 } }],
    [{}, { a: { b: { c: null } } }, { a: { b: {} } }],
  ])("%j with %j is %j", (object, patch, result) => {
    expect(mergePatch({ ...object }, patch)).toEqual(result);
  });

  test("applying a patch twice is applying it once", () => {
    const anyObject = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(anyObject, anyObject, (object, patch) => {
        const once = mergePatch(object, patch);
        expect(sameValue(mergePatch(once, patch), once)).toBe(true);
      }),
    );
  });

  test("a key named __proto__ reaches no prototype", () => {
    const result = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(result)).toEqual(["__proto__"]);
  });
});

describe("strategic merge patch", () => {
  const pod = typeNode("io.k8s.api.core.v1.Pod");
  const two = {
    spec: {
      containers: [
        { name: "a", image: "1", env: [{ name: "X", value: "1" }] },
        { name: "b", image: "2" },
      ],
      tolerations: [{ key: "t" }],
    },
  };
  const containersOf = (patch: object) =>
    (strategicPatch(two, { spec: patch }, pod).spec as { containers: { name: string }[] }).containers;

  test("merges lists by their key and replaces those without", () => {
    expect(containersOf({ containers: [{ name: "b", image: "3" }] })).toEqual([
      two.spec.containers[0],
      { name: "b", image: "3" },
    ]);
    expect(strategicPatch(two, { spec: { tolerations: [{ key: "u" }] } }, pod)).toMatchObject({
      spec: { tolerations: [{ key: "u" }] },
    });
  });

  test("deletes and replaces by directive", () => {
    expect(containersOf({ containers: [{ name: "a", $patch: "delete" }] })).toEqual([two.spec.containers[1]]);
    expect(containersOf({ containers: [{ $patch: "replace" }, { name: "c" }] })).toEqual([{ name: "c" }]);
  });

  test("puts items in the order that is asked for", () => {
    const order = { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] };
    expect(containersOf(order).map(({ name }) => name)).toEqual(["b", "a"]);
  });

  test("keeps only the keys of a union that are named", () => {
    const node = typeNode("io.k8s.api.apps.v1.Deployment");
    const object = { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } };
    const patch = { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } };
    expect(strategicPatch(object, patch, node)).toEqual({ spec: { strategy: { type: "Recreate" } } });
  });

  test("deletes from lists of plain values", () => {
    const object = { metadata: { finalizers: ["a", "b"] } };
    const patch = { metadata: { "$deleteFromPrimitiveList/finalizers": ["a"] } };
    expect(strategicPatch(object, patch, pod)).toEqual({ metadata: { finalizers: ["b"] } });
  });

  test.each([
    [{ spec: { containers: [{ image: "x" }] } }, "map: map[image:x] does not contain declared merge key: name"],
    [{ spec: { $patch: "jump" } }, "unknown patch type: jump in map: map[$patch:jump]"],
    [
      { spec: { "$setElementOrder/containers": [{ name: "a" }], containers: [{ name: "b" }] } },
      "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
    ],
  ])("refuses %j", (patch, why) => {
    expect(() => strategicPatch(two, patch, pod)).toThrow(why);
  });
});
