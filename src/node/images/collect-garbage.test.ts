import { expect, test } from "vitest";
import type { Image } from "../runtime.ts";
import { makeRoom } from "./collect-garbage.ts";

const image = (id: string, sizeBytes: number, over: Partial<Image> = {}): Image => ({
  id,
  sizeBytes,
  tags: [`${id}:1`],
  digests: [`${id}@sha256:0`],
  user: "",
  ...over,
});
/** The ids of what is removed, in order; `refused` are used by somebody else's containers. */
async function removed(
  images: readonly Image[],
  { used = [], refused = [], bytesToFree }: { used?: string[]; refused?: string[]; bytesToFree: number },
): Promise<string[]> {
  const ids: string[] = [];
  await makeRoom(images, {
    used: new Set(used),
    bytesToFree,
    async remove({ id }) {
      if (refused.includes(id)) return false;
      ids.push(id);
      return true;
    },
  });
  return ids;
}
const three = [image("small", 1), image("large", 10), image("medium", 5)];

test("the largest unused images go first, and no more than needed", async () => {
  expect(await removed(three, { bytesToFree: 12 })).toEqual(["large", "medium"]);
  expect(await removed(three, { used: ["large"], bytesToFree: 12 })).toEqual(["medium", "small"]);
  expect(await removed(three, { bytesToFree: 0 })).toEqual([]);
});

test("for an image that somebody else's container is made of, the next ones go", async () => {
  expect(await removed(three, { refused: ["large"], bytesToFree: 5 })).toEqual(["medium"]);
  expect(await removed(three, { refused: ["large"], bytesToFree: 6 })).toEqual(["medium", "small"]);
});

test("what could not be pulled again stays: skiff's own, and what was made on this machine", async () => {
  const images = [image("own", 10, { tags: ["skiff/hello:latest"] }), image("made here", 10, { digests: [] })];
  expect(await removed(images, { bytesToFree: 100 })).toEqual([]);
});
