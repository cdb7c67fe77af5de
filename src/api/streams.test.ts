import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  channels,
  decodeTerminalSize,
  encodeFrame,
  exitStatus,
  type Frame,
  FrameReader,
  longestPayload,
} from "./streams.ts";

/** Reads frames from bytes that arrive in pieces of these lengths, over and over. */
async function read(bytes: Uint8Array, lengths: readonly number[]): Promise<Frame[]> {
  function* pieces() {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = lengths[i % lengths.length]!;
      yield Buffer.from(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return Array.fromAsync(Readable.from(pieces()).pipe(new FrameReader()));
}

describe("frames", () => {
  test("come out as they went in, however the bytes are cut", async () => {
    const anyFrame = fc.record({
      channel: fc.constantFrom(...Object.values(channels)),
      payload: fc.uint8Array({ maxLength: 50 }),
    });
    const anyLengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(anyFrame), anyLengths, async (frames, lengths) => {
        const bytes = Buffer.concat(frames.map(({ channel, payload }) => encodeFrame(channel, payload)));
        const wanted = frames.map(({ channel, payload }) => ({ channel, payload: Buffer.from(payload) }));
        expect(await read(bytes, lengths)).toEqual(wanted);
      }),
    );
  });

  test("that are too long are cut", async () => {
    const payload = Buffer.alloc(longestPayload + 3, "x");
    const frames = await read(encodeFrame(channels.stdout, payload), [65_536]);
    expect(frames.map((frame) => frame.payload.length)).toEqual([longestPayload, 3]);
    expect(await buffer(Readable.from(frames.map((frame) => frame.payload)))).toEqual(payload);
  });

  test.each<[what: string, bytes: Buffer, message: string]>([
    ["claim to be longer than is allowed", Buffer.from([1, 0x7f, 0, 0, 0]), "longer than"],
    ["end early", encodeFrame(channels.stdout, "hello").subarray(0, -1), "ended in the middle"],
  ])("that %s are refused", async (_, bytes, message) => {
    await expect(read(bytes, [100])).rejects.toThrow(message);
  });
});

describe("terminal sizes", () => {
  test.each([
    ['{"Width":80,"Height":24}', { width: 80, height: 24 }],
    ['{"Width":1,"Height":65535}', { width: 1, height: 65_535 }],
  ])("%s is one", (text, size) => {
    expect(decodeTerminalSize(Buffer.from(text))).toEqual(size);
  });

  test.each([
    "",
    "{}",
    "[1]",
    "null",
    '{"Width":0,"Height":1}',
    '{"Width":65536,"Height":1}',
    '{"Width":"80","Height":24}',
  ])("%j is none", (text) => {
    expect(decodeTerminalSize(Buffer.from(text))).toBeUndefined();
  });
});

test("an exit code travels as a Status", () => {
  expect(exitStatus(0)).toEqual({ metadata: {}, status: "Success" });
  for (const code of [1, 127, 255])
    expect(exitStatus(code)).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: String(code) }] },
    });
});
