import { expect, test } from "vitest";
import type { Node, PodSpec } from "../../api/schema/types.ts";
import { podInfoFrom } from "../pod-info.ts";
import { scoresOf } from "../testing/judge.ts";
import { aCluster, aNode, aPod } from "../testing/objects.ts";
import { imageLocality } from "./image-locality.ts";

const mega = 2 ** 20;
function withImages(node: Node, images: Record<string, number>): Node {
  const held = Object.entries(images).map(([name, size]) => ({ names: [name], sizeBytes: size * mega }));
  return { ...node, status: { ...node.status, images: held } };
}
const cluster = aCluster([
  withImages(aNode(), { "app:1": 1023, "tool:latest": 1023 }),
  withImages(aNode({ name: "n2" }), { "app:1": 1023 }),
]);

test.each<[name: string, spec: PodSpec, scores: Record<string, number> | undefined]>([
  ["an image that every node has", { containers: [{ name: "a", image: "app:1" }] }, { n1: 100, n2: 100 }],
  ["one that half of them have: half as much", { containers: [{ name: "a", image: "tool" }] }, { n1: 50, n2: 0 }],
  ["one that nobody has", { containers: [{ name: "a", image: "new:1" }] }, undefined],
  [
    "init containers too",
    { containers: [{ name: "a", image: "new:1" }], initContainers: [{ name: "i", image: "tool" }] },
    { n1: 24, n2: 0 },
  ],
  [
    "images as volumes too",
    { containers: [{ name: "a", image: "new:1" }], volumes: [{ name: "v", image: { reference: "tool:latest" } }] },
    { n1: 24, n2: 0 },
  ],
])("prefers nodes that hold %s", (_, spec, scores) => {
  expect(scoresOf(imageLocality(), podInfoFrom({ ...aPod(), spec }), cluster)).toEqual(scores);
});
