import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeTerminalSize, encodeFrame, FrameReader, longestPayload } from "../../src/api/streams.ts";
import { mutated, numRuns } from "./mutations.ts";

const size = '{"Width":80,"Height":24}';
const seeds = [Buffer.concat([encodeFrame(0, "input"), encodeFrame(4, size), encodeFrame(255, "")])];

test("bytes of a stream are frames of bounded size, or an error", async () => {
  await fc.assert(
    fc.asyncProperty(mutated(seeds), fc.integer({ min: 1, max: 7 }), async (bytes, step) => {
      const source = new PassThrough();
      const reader = new FrameReader();
      let total = 0;
      reader.on("data", ({ payload }: { payload: Buffer }) => {
        expect(payload.length).toBeLessThanOrEqual(longestPayload);
        total += payload.length;
      });
      for (let at = 0; at < bytes.length; at += step) source.write(bytes.subarray(at, at + step));
      source.end();
      await pipeline(source, reader).catch((error: unknown) => expect(error).toBeInstanceOf(Error));
      expect(total).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: numRuns / 4 },
  );
});

test("a terminal's size is a size, or nothing", () => {
  fc.assert(
    fc.property(mutated([size]), (bytes) => {
      const read = decodeTerminalSize(bytes);
      if (read) expect([read.width > 0, read.height > 0]).toEqual([true, true]);
    }),
    { numRuns },
  );
});
