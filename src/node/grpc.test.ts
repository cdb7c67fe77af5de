import { createServer, connect as dial, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { callUnary, GrpcError } from "./grpc.ts";

/** What a server does that is called. */
let answer: (stream: ServerHttp2Stream) => void;
let server: Http2Server;

beforeEach(async () => {
  server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => stream.destroy());
    answer(stream);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterEach(() => {
  server.close();
});

function call(signal = new AbortController().signal): Promise<Buffer> {
  const session = dial(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return callUnary(session, { path: "/a.Service/Do", message: Buffer.from("ask"), userAgent: "test" }, signal);
}

/** Answers with a message and trailers. */
function say(stream: ServerHttp2Stream, message: string, trailers: Record<string, string>): void {
  stream.respond({ ":status": 200 }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(Buffer.concat([Buffer.alloc(5), Buffer.from(message)]));
}

describe("a gRPC call", () => {
  test("resolves with the answer's message", async () => {
    answer = (stream) => say(stream, "done", { "grpc-status": "0" });
    expect(String(await call())).toBe("done");
  });

  test("fails with what the server says, also where it says nothing else", async () => {
    answer = (stream) => say(stream, "", { "grpc-status": "5", "grpc-message": "no%20such%20volume" });
    await expect(call()).rejects.toMatchObject({
      code: 5,
      message: "rpc error: code = NotFound desc = no such volume",
    });
    answer = (stream) => stream.respond({ ":status": 200, "grpc-status": "12" }, { endStream: true });
    await expect(call()).rejects.toThrow(GrpcError);
  });

  test.each<[what: string, does: (stream: ServerHttp2Stream) => void]>([
    ["ends the call without an answer", (stream) => stream.destroy()],
    ["dies", (stream) => stream.session?.socket.destroy()],
    [
      "dies in its answer",
      (stream) => {
        stream.respond({ ":status": 200 });
        stream.write(Buffer.alloc(5), () => stream.session?.socket.destroy());
      },
    ],
    ["forgets the status", (stream) => say(stream, "done", {})],
  ])("has not succeeded when the server %s", async (_, does) => {
    answer = does;
    await expect(call()).rejects.toThrow();
  });

  test("ends with its signal", async () => {
    answer = () => {};
    await expect(call(AbortSignal.timeout(20))).rejects.toThrow("timeout");
  });
});
