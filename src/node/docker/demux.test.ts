import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameReader } from "./demux.ts";

const frame = (stream: number, text: string) => {
  const data = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
};

describe("Docker's framed streams", () => {
  test("are read alike wherever the chunks are cut", () => {
    const anyFrame = fc.record({ stream: fc.constantFrom(1, 2), text: fc.string() });
    fc.assert(
      fc.property(fc.array(anyFrame), fc.array(fc.nat(12)), (written, cuts) => {
        const bytes = Buffer.concat(written.map(({ stream, text }) => frame(stream, text)));
        const reader = new FrameReader();
        const read = { 1: "", 2: "" };
        let at = 0;
        for (const length of [...cuts, bytes.length]) {
          for (const { stream, data } of reader.read(bytes.subarray(at, at + length))) {
            read[stream as 1 | 2] += data.toString("latin1");
          }
          at += length;
        }
        const said = (stream: number) =>
          written.filter((each) => each.stream === stream).map(({ text }) => Buffer.from(text).toString("latin1"));
        expect(read).toEqual({ 1: said(1).join(""), 2: said(2).join("") });
      }),
    );
  });
});
