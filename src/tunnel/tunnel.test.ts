import { once } from "node:events";
import { createServer, connect as dialTcp, type Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../base/clock.ts";
import { noLog } from "../base/log.ts";
import { type FakeClock, fakeClock } from "../base/testing/fake-clock.ts";
import { openTunnel, type TunnelOptions } from "./agent.ts";
import { NoTunnel, type Tunnel, type TunnelHub } from "./contract.ts";
import { openTunnelHub } from "./hub.ts";

const get = (path: string) => ({ method: "GET", path });

/** Answers by path, in the ways that nodes do. */
const answer: TunnelOptions["answer"] = async ({ method, path, headers }, { stream, signal, respond }) => {
  switch (path) {
    case "/hello":
      respond(200, { "content-type": "text/plain", "x-method": method, "x-asked": headers?.["x-ask"] ?? "" });
      stream.end("hello");
      return;
    case "/echo":
      respond(200);
      await pipeline(stream, stream);
      return;
    case "/large":
      respond(200);
      await pipeline(
        Readable.from(
          (function* () {
            for (let i = 0; i < 50; i++) yield Buffer.alloc(1024 * 1024, i);
          })(),
        ),
        stream,
      );
      return;
    case "/forever":
      respond(200);
      stream.write("begun");
      await new Promise((gone) => signal.addEventListener("abort", gone));
      left.push(path);
      return;
    case "/reset":
      respond(200);
      throw new Error("went wrong later");
    default:
      throw new Error(`there is no ${path}`);
  }
};
const left: string[] = [];

describe("a tunnel", () => {
  let hub: TunnelHub;
  let agent: Tunnel;
  let clock: FakeClock | undefined;
  let accepted: Socket[];
  let dialled: Socket[];
  // What the server says before the connection becomes a tunnel; the agent's dial reads it.
  let head: Buffer;
  const server = createServer((socket) => {
    accepted.push(socket);
    if (head.length > 0) socket.write(head);
    hub.accept("n1", socket);
  });

  async function open(with_: { clock: FakeClock | typeof systemClock }): Promise<void> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    hub = openTunnelHub({ ...with_, log: noLog });
    const dial = async () => {
      const socket = dialTcp(port, "127.0.0.1");
      await once(socket, "connect");
      dialled.push(socket);
      for (let left = head.length; left > 0; ) {
        const chunk: Buffer | null = socket.read();
        if (!chunk) {
          await once(socket, "readable");
          continue;
        }
        if (chunk.length > left) socket.unshift(chunk.subarray(left));
        left -= chunk.length;
      }
      return socket;
    };
    agent = openTunnel({ dial, answer, ...with_, log: noLog });
    await agent.connected;
    await vi.waitFor(() => expect(hub.has("n1")).toBe(true));
  }

  /** The network is not part of the test's time: nothing is under way in it. */
  function allHasArrived(): void {
    const [here, there] = [accepted.at(-1)!, dialled.at(-1)!];
    expect([here.bytesRead, there.bytesRead]).toEqual([there.bytesWritten, here.bytesWritten]);
  }

  beforeEach(() => {
    accepted = [];
    dialled = [];
    left.length = 0;
    clock = undefined;
    head = Buffer.alloc(0);
  });
  afterEach(async () => {
    await agent[Symbol.asyncDispose]();
    await hub[Symbol.asyncDispose]();
    server.close();
  });

  test("carries a request and its answer with headers both ways", async () => {
    await open({ clock: systemClock });
    const { status, headers, stream } = await hub.open("n1", { ...get("/hello"), headers: { "x-ask": "1" } });
    expect([status, headers["content-type"], headers["x-method"], headers["x-asked"]]).toEqual([
      200,
      "text/plain",
      "GET",
      "1",
    ]);
    expect(await text(stream)).toBe("hello");
  });

  test("to a node that has none open waits for it to dial, and is refused when it does not", async () => {
    const clock = fakeClock();
    const alone = openTunnelHub({ clock, log: noLog });
    const refused = expect(alone.open("n1", get("/hello"))).rejects.toThrow(NoTunnel);
    await clock.advance(5_000);
    await refused;
    const given = new AbortController();
    const left = expect(alone.open("n1", get("/hello"), given.signal)).rejects.toThrow("given up");
    given.abort(new Error("given up"));
    await left;
  });

  test("to a node that has just lost its tunnel is answered over the next", async () => {
    await open({ clock: systemClock });
    const lost = once(accepted[0]!, "close");
    accepted[0]!.destroy();
    await lost;
    expect(hub.has("n1")).toBe(false);
    const { stream } = await hub.open("n1", get("/hello"));
    expect(await text(stream)).toBe("hello");
  });

  test("is not open over a connection that broke before it began", async () => {
    const alone = openTunnelHub({ clock: systemClock, log: noLog });
    const broken = new PassThrough();
    broken.destroy();
    alone.accept("n1", broken);
    expect(alone.has("n1")).toBe(false);
  });

  test("begins when what was said before has left", async () => {
    head = Buffer.alloc(16 * 1024 * 1024, "x");
    await open({ clock: systemClock });
    expect(await text((await hub.open("n1", get("/hello"))).stream)).toBe("hello");
  });

  test("answers 500 with the reason when the node's answer fails", async () => {
    await open({ clock: systemClock });
    const { status, stream } = await hub.open("n1", get("/nothing"));
    expect([status, await text(stream)]).toEqual([500, "there is no /nothing"]);
    const broken = await hub.open("n1", get("/reset"));
    await expect(text(broken.stream)).rejects.toThrow();
  });

  test("carries both directions of 200 streams at once, each ended by itself", async () => {
    await open({ clock: systemClock });
    const bodies = Array.from({ length: 200 }, (_, i) => Buffer.alloc(20_000, `stream ${i} `));
    const echoes = bodies.map(async (body) => {
      const { stream } = await hub.open("n1", { method: "POST", path: "/echo" });
      stream.write(body.subarray(0, 100));
      await once(stream, "readable");
      stream.end(body.subarray(100));
      return buffer(stream);
    });
    expect((await Promise.all(echoes)).every((echo, i) => echo.equals(bodies[i]!))).toBe(true);
  });

  test("carries 50 MB without holding them while nobody reads, and others pass meanwhile", async () => {
    await open({ clock: systemClock });
    const { stream } = await hub.open("n1", get("/large"));
    await once(stream, "readable");
    const other = await hub.open("n1", get("/hello"));
    expect(await text(other.stream)).toBe("hello");
    expect(accepted[0]!.bytesRead).toBeLessThan(4 * 1024 * 1024);
    let bytes = 0;
    for await (const chunk of stream) bytes += chunk.length;
    expect(bytes).toBe(50 * 1024 * 1024);
  });

  test("tells the node when the caller gives up", async () => {
    await open({ clock: systemClock });
    const { stream } = await hub.open("n1", get("/forever"));
    await once(stream, "readable");
    stream.destroy();
    await vi.waitFor(() => expect(left).toEqual(["/forever"]));
    const abort = new AbortController();
    const second = await hub.open("n1", get("/forever"), abort.signal);
    abort.abort();
    await expect(text(second.stream)).rejects.toThrow("aborted");
    await vi.waitFor(() => expect(left).toEqual(["/forever", "/forever"]));
  });

  test("is opened again when it breaks, and what ran in it fails", async () => {
    await open({ clock: systemClock });
    const { stream } = await hub.open("n1", get("/forever"));
    const reading = expect(buffer(stream)).rejects.toThrow();
    accepted[0]!.destroy();
    await reading;
    await vi.waitFor(() => expect(accepted).toHaveLength(2));
    await vi.waitFor(() => expect(hub.has("n1")).toBe(true));
    expect(await text((await hub.open("n1", get("/hello"))).stream)).toBe("hello");
  });

  test("that silently stops is noticed by both ends within 15 seconds or so; one that is only idle stays", async () => {
    clock = fakeClock();
    await open({ clock });
    for (let second = 0; second < 60; second++) {
      await clock.advance(1000);
      await vi.waitFor(allHasArrived);
    }
    expect(hub.has("n1")).toBe(true);
    expect(accepted).toHaveLength(1);
    // From here on nothing that the agent sends is read, and nothing is sent: what a pulled cable looks like.
    const cut = accepted[0]!;
    cut.pause();
    Reflect.get(cut, "_handle")?.readStop();
    cut.write = () => true;
    for (let second = 0; second < 20; second++) await clock.advance(1000);
    await vi.waitFor(() => expect(accepted.length).toBeGreaterThan(1));
  });
});
