import { expect, test } from "vitest";
import type { Image } from "../runtime.ts";
import { imagesToRemove } from "./collect-garbage.ts";

const image = (id: string, sizeBytes: number, over: Partial<Image> = {}): Image => ({
  id,
  sizeBytes,
  tags: [`${id}:1`],
  digests: [`${id}@sha256:0`],
  user: "",
  ...over,
});
const names = (images: readonly Image[]) => images.map(({ id }) => id);

test("the largest unused images go first, and no more than needed", () => {
  const images = [image("small", 1), image("large", 10), image("medium", 5)];
  expect(names(imagesToRemove(images, { used: new Set(), bytesToFree: 12 }))).toEqual(["large", "medium"]);
  expect(names(imagesToRemove(images, { used: new Set(["large"]), bytesToFree: 12 }))).toEqual(["medium", "small"]);
});

test("what could not be pulled again stays: skiff's own, and what was made on this machine", () => {
  const images = [image("own", 10, { tags: ["skiff/hello:latest"] }), image("made here", 10, { digests: [] })];
  expect(imagesToRemove(images, { used: new Set(), bytesToFree: 100 })).toEqual([]);
});
