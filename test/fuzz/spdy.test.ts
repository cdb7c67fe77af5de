import { Duplex, PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HeaderWriter, uint32 } from "../../src/apiserver/upgrade/spdy/headers.ts";
import { SpdySession, type SpdyStream } from "../../src/apiserver/upgrade/spdy/session.ts";
import { mutated, numRuns } from "./mutations.ts";

/** What a client sends that opens two streams, writes to one, resets the other and says goodbye. */
async function conversation(): Promise<Buffer> {
  using headers = new HeaderWriter();
  const control = (type: number, flags: number, payload: Buffer) =>
    Buffer.concat([Buffer.from([0x80, 3, 0, type]), uint32((flags << 24) | payload.length), payload]);
  const open = async (id: number, streamtype: string) =>
    control(1, 0, Buffer.concat([uint32(id), uint32(0), Buffer.alloc(2), await headers.write({ streamtype })]));
  const data = (id: number, text: string) =>
    Buffer.concat([uint32(id), uint32((1 << 24) | text.length), Buffer.from(text)]);
  return Buffer.concat([
    await open(1, "error"),
    await open(3, "stdin"),
    data(3, "input"),
    control(6, 0, uint32(1)),
    control(3, 0, Buffer.concat([uint32(1), uint32(5)])),
    control(7, 0, Buffer.alloc(8)),
  ]);
}

test("a SPDY session ends when its client has gone, whatever the client sent", async () => {
  const seeds = [await conversation()];
  await fc.assert(
    fc.asyncProperty(mutated(seeds), async (bytes) => {
      const fromClient = new PassThrough();
      const toClient = new PassThrough().resume();
      const streams: SpdyStream[] = [];
      const session = new SpdySession({
        connection: Duplex.from({ readable: fromClient, writable: toClient }),
        onStream: (stream) => void streams.push(stream.resume()),
      });
      fromClient.end(bytes);
      await session.run();
      for (const stream of streams) expect(stream.destroyed).toBe(true);
    }),
    { numRuns: numRuns / 4 },
  );
});
