import { once } from "node:events";
import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type Duplex, duplexPair, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { notFound } from "../../api/status.ts";
import { channels, encodeFrame, exitStatus, FrameReader } from "../../api/streams.ts";
import { systemClock } from "../../base/clock.ts";
import { type ExecStreams, serveExec } from "./exec.ts";
import { streamFrom } from "./handshake.ts";
import { serveLogs } from "./logs.ts";
import { servePortForward } from "./port-forward.ts";
import { headerDictionary } from "./spdy/dictionary.ts";
import { adler32 } from "./testing/adler32.ts";
import { openSpdy, SpdyClient } from "./testing/spdy-client.ts";

/** A node whose command writes "out" and "err", then what it reads, and exits with the last digit of what it read. */
async function runCommand(stream: Duplex): Promise<void> {
  stream.write(encodeFrame(channels.stdout, "out"));
  stream.write(encodeFrame(channels.stderr, "err"));
  let code = 0;
  for await (const { channel, payload } of stream.pipe(new FrameReader())) {
    seen.push([channel, payload.toString()]);
    if (channel === channels.close) break;
    if (channel === channels.resize) continue;
    code = Number(payload.toString().trim().at(-1));
    stream.write(encodeFrame(channels.stdout, payload));
  }
  stream.end(encodeFrame(channels.error, JSON.stringify(exitStatus(code))));
}
let seen: [channel: number, payload: string][] = [];

describe("upgrades", () => {
  let nodes: Duplex[] = [];
  const server = createServer();
  server.on("upgrade", (request, socket, head) => {
    const url = new URL(request.url ?? "/", "http://api");
    const asked = (name: string) => url.searchParams.get(name) === "true";
    const streams: ExecStreams = {
      stdin: asked("stdin"),
      stdout: asked("stdout"),
      stderr: asked("stderr"),
      tty: asked("tty"),
    };
    const shared = { request, socket, head, clock: systemClock };
    if (url.pathname === "/exec") {
      const open = async () => {
        const [here, there] = duplexPair();
        nodes.push(there);
        if (!asked("silent")) runCommand(there).catch(() => {});
        return here;
      };
      void serveExec({ ...shared, streams, open });
    } else if (url.pathname === "/gone") {
      const open = () => Promise.reject(notFound({ group: "", plural: "pods" }, "web"));
      void serveExec({ ...shared, streams, open });
    } else if (url.pathname === "/log") {
      void serveLogs({
        ...shared,
        open: async () => Readable.from([Buffer.from("one\n"), Buffer.from("two\n")]) as Duplex,
      });
    } else {
      const ports = url.searchParams.getAll("ports").map(Number);
      const open = async (port: number) => {
        if (port === 81) throw new Error("connection refused");
        const [here, there] = duplexPair();
        nodes.push(there);
        pipeline(there, there).catch(() => {});
        return here;
      };
      void servePortForward({ ...shared, ports, open, pod: "default/web" });
    }
  });
  const address = (path: string, scheme = "http") =>
    `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  beforeEach(async () => {
    [nodes, seen] = [[], []];
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  describe("over WebSocket", () => {
    const opened: WebSocket[] = [];
    afterEach(() => {
      for (const socket of opened.splice(0)) socket.terminate();
    });

    async function dial(path: string, protocol?: string) {
      const socket = new WebSocket(address(path, "ws"), protocol ? [protocol] : [], { perMessageDeflate: false });
      opened.push(socket);
      const messages: Buffer[] = [];
      socket.on("message", (data) => messages.push(data as Buffer));
      const closed = once(socket, "close").then(([code]) => code as number);
      await once(socket, "open");
      const on = (channel: number) =>
        Buffer.concat(
          messages.filter((message) => message[0] === channel).map((message) => message.subarray(1)),
        ).toString();
      return { socket, messages, closed, on };
    }

    test.each([
      [undefined, "one\ntwo\n"],
      ["binary.k8s.io", "one\ntwo\n"],
      ["base64.binary.k8s.io", "b25lCg==dHdvCg=="],
    ])("logs come as messages, in protocol %s, and end with them", async (protocol, written) => {
      const { messages, closed, socket } = await dial("/log", protocol);
      expect(socket.protocol).toBe(protocol ?? "");
      expect(await closed).toBe(1000);
      expect(Buffer.concat(messages).toString()).toBe(written);
    });

    test("v5 carries all channels, the end of stdin, and the exit code as a Status", async () => {
      const { socket, closed, on, messages } = await dial(
        "/exec?stdin=true&stdout=true&stderr=true",
        "v5.channel.k8s.io",
      );
      socket.send(Buffer.from("\x00code 3"));
      socket.send(Buffer.from([channels.close, channels.stdin]));
      expect(await closed).toBe(1000);
      expect([...messages[0]!]).toEqual([channels.stdout]);
      expect([on(channels.stdout), on(channels.stderr)]).toEqual(["outcode 3", "err"]);
      expect(JSON.parse(on(channels.error))).toEqual(exitStatus(3));
    });

    test("sizes of the terminal reach the node", async () => {
      const { socket, closed } = await dial("/exec?stdin=true&stdout=true&tty=true", "v5.channel.k8s.io");
      socket.send(Buffer.from('\x04{"Width":80,"Height":24}'));
      socket.send(Buffer.from([channels.close, channels.stdin]));
      await closed;
      expect(seen).toContainEqual([channels.resize, '{"Width":80,"Height":24}']);
    });

    test.each<[protocol: string | undefined, base64: boolean, failure: unknown]>([
      ["v4.channel.k8s.io", false, JSON.stringify(exitStatus(7))],
      ["v4.base64.channel.k8s.io", true, JSON.stringify(exitStatus(7))],
      ["channel.k8s.io", false, exitStatus(7).message],
      ["base64.channel.k8s.io", true, exitStatus(7).message],
      [undefined, false, exitStatus(7).message],
    ])("%s says how the command ended", async (protocol, base64, failure) => {
      const { socket, messages, closed } = await dial("/exec?stdin=true&stdout=true&silent=true", protocol);
      const encode = (channel: number, data: string) =>
        base64
          ? `${channel}${Buffer.from(data).toString("base64")}`
          : Buffer.from(`${String.fromCharCode(channel)}${data}`);
      socket.send(encode(channels.stdin, "input"));
      const node = nodes[0]!;
      const [frame] = (await once(node.pipe(new FrameReader()), "data")) as [unknown];
      expect(frame).toEqual({ channel: channels.stdin, payload: Buffer.from("input") });
      node.write(encodeFrame(channels.stdout, "output"));
      node.end(encodeFrame(channels.error, JSON.stringify(exitStatus(7))));
      expect(await closed).toBe(1000);
      const shown = messages.map((message) =>
        base64
          ? [Number(String.fromCharCode(message[0]!)), Buffer.from(message.toString().slice(1), "base64").toString()]
          : [message[0], message.toString().slice(1)],
      );
      expect(shown).toEqual([
        [channels.stdout, ""],
        [channels.stdout, "output"],
        [channels.error, failure],
      ]);
    });

    test("a client that goes takes its command's stream along", async () => {
      const { socket } = await dial("/exec?stdout=true&silent=true", "v5.channel.k8s.io");
      const node = nodes[0]!.resume();
      socket.terminate();
      await vi.waitFor(() => expect(node.readableEnded || node.destroyed).toBe(true));
    });

    test("a node that goes ends in a Status that says so", async () => {
      const { closed, on } = await dial("/exec?stdout=true&silent=true", "v4.channel.k8s.io");
      nodes[0]!.end();
      await closed;
      expect(JSON.parse(on(channels.error))).toMatchObject({ status: "Failure", reason: "InternalError" });
    });

    test("a protocol that is not served is refused", async () => {
      const socket = new WebSocket(address("/exec?stdout=true", "ws"), ["v9.channel.k8s.io"]);
      const [error] = await once(socket, "error");
      expect(String(error)).toContain("403");
    });

    test("ports can be forwarded on channels, two for each", async () => {
      const { socket, messages, on } = await dial("/forward?ports=80&ports=81", "v4.channel.k8s.io");
      await vi.waitFor(() =>
        expect(on(3)).toContain("error forwarding port 81 to pod default/web: connection refused"),
      );
      expect(messages.slice(0, 4).map((message) => [message[0], message.readUInt16LE(1)])).toEqual(
        expect.arrayContaining([
          [0, 80],
          [1, 80],
          [2, 81],
          [3, 81],
        ]),
      );
      socket.send(Buffer.from("\x00hello"));
      await vi.waitFor(() => expect(on(0)).toContain("hello"));
    });

    test("when the pod has closed all forwarded connections, the client hears it by the end of its own", async () => {
      const { socket, closed, on } = await dial("/forward?ports=80&ports=82", "v4.channel.k8s.io");
      socket.send(Buffer.from("\x00to the first"));
      await vi.waitFor(() => expect(on(0)).toContain("to the first"));
      nodes[0]!.end("last words");
      await vi.waitFor(() => expect(on(0)).toContain("last words"));
      socket.send(Buffer.from("\x02to the second"));
      await vi.waitFor(() => expect(on(2)).toContain("to the second"));
      nodes[1]!.end();
      expect(await closed).toBe(1000);
    });
  });

  describe("over SPDY", () => {
    const protocols = ["v4.channel.k8s.io", "v3.channel.k8s.io"];
    const opened: SpdyClient[] = [];
    afterEach(() => {
      for (const client of opened.splice(0)) client.close();
    });

    async function dial(path: string, offered: readonly string[]): Promise<SpdyClient> {
      const client = await openSpdy(address(path), offered);
      if (!(client instanceof SpdyClient)) throw new Error(`refused: ${client.statusCode}`);
      opened.push(client);
      return client;
    }

    test("the dictionary is SPDY/3's", () => {
      expect([headerDictionary.length, adler32(headerDictionary)]).toEqual([1423, 0xe3c6a7c2]);
    });

    test("a stream for each channel carries them, and the exit code as a Status", async () => {
      const client = await dial("/exec?stdin=true&stdout=true&stderr=true", protocols);
      expect(client.protocol).toBe("v4.channel.k8s.io");
      const error = await client.open({ streamtype: "error" }, { isLast: true });
      const stdin = await client.open({ streamtype: "stdin" });
      const stdout = await client.open({ streamtype: "stdout" }, { isLast: true });
      const stderr = await client.open({ streamtype: "stderr" }, { isLast: true });
      client.send(stdin, "code 3", { isLast: true });
      await client.closed;
      expect([client.received(stdout), client.received(stderr)]).toEqual(["outcode 3", "err"]);
      expect(JSON.parse(client.received(error))).toEqual(exitStatus(3));
      expect([error, stdout, stderr].map((id) => client.hasEnded(id))).toEqual([true, true, true]);
    });

    test("sizes of the terminal come one a line", async () => {
      const client = await dial("/exec?stdin=true&stdout=true&stderr=true&tty=true", protocols);
      await client.open({ streamtype: "error" });
      const stdin = await client.open({ streamtype: "stdin" });
      await client.open({ streamtype: "stdout" });
      const resize = await client.open({ streamtype: "resize" });
      client.send(resize, '{"Width":80,"Hei');
      client.send(resize, 'ght":24}\n{"Width":90,"Height":25}\n');
      await vi.waitFor(() => expect(seen).toHaveLength(2));
      expect(seen).toEqual([
        [channels.resize, '{"Width":80,"Height":24}'],
        [channels.resize, '{"Width":90,"Height":25}'],
      ]);
      client.send(stdin, "", { isLast: true });
      await client.closed;
    });

    test("before v4 only a failure is told, as a text", async () => {
      const client = await dial("/exec?stdin=true&stdout=true", ["v2.channel.k8s.io"]);
      const error = await client.open({ streamtype: "error" });
      const stdin = await client.open({ streamtype: "stdin" });
      await client.open({ streamtype: "stdout" });
      client.send(stdin, "5", { isLast: true });
      await client.closed;
      expect(client.received(error)).toBe("command terminated with non-zero exit code: exit status 5");
    });

    test("a ping is answered, and what is unknown is passed over", async () => {
      const client = await dial("/forward", ["portforward.k8s.io"]);
      client.control(4, Buffer.alloc(12));
      client.control(9, Buffer.alloc(8));
      client.control(6, Buffer.from([0, 0, 0, 9]));
      await vi.waitFor(() => expect(client.frames).toContainEqual(expect.objectContaining({ type: 6, stream: 9 })));
    });

    test("forwarded connections are pairs of streams, each direction ended by itself", async () => {
      const client = await dial("/forward", ["portforward.k8s.io"]);
      const pair = async (port: string, requestid: string) => ({
        error: await client.open({ streamtype: "error", port, requestid }, { isLast: true }),
        data: await client.open({ streamtype: "data", port, requestid }),
      });
      const [one, two, refused] = [await pair("80", "1"), await pair("80", "2"), await pair("81", "3")];
      client.send(one.data, "first");
      client.send(two.data, "second", { isLast: true });
      await vi.waitFor(() => expect(client.hasEnded(two.data)).toBe(true));
      expect(client.received(two.data)).toBe("second");
      await vi.waitFor(() => expect(client.received(one.data)).toBe("first"));
      expect(client.hasEnded(one.data)).toBe(false);
      client.send(one.data, " and last", { isLast: true });
      await vi.waitFor(() => expect(client.received(one.data)).toBe("first and last"));
      await vi.waitFor(() =>
        expect(client.received(refused.error)).toBe("error forwarding port 81 to pod default/web: connection refused"),
      );
    });

    test("much more than a stream holds goes both ways, without windows", async () => {
      const client = await dial("/forward", ["portforward.k8s.io"]);
      await client.open({ streamtype: "error", port: "80", requestid: "1" }, { isLast: true });
      const data = await client.open({ streamtype: "data", port: "80", requestid: "1" });
      const piece = Buffer.alloc(32 * 1024, "0123456789abcdef");
      for (let i = 0; i < 128; i++) client.send(data, piece, { isLast: i === 127 });
      await vi.waitFor(() => expect(client.hasEnded(data)).toBe(true));
      expect(client.received(data)).toBe(piece.toString().repeat(128));
    });

    test("streams that nobody expects are refused", async () => {
      const client = await dial("/forward", ["portforward.k8s.io"]);
      await client.open({ streamtype: "data", port: "0", requestid: "1" });
      await client.open({ streamtype: "other", port: "80", requestid: "1" });
      await vi.waitFor(() =>
        expect(client.frames.filter(({ type }) => type === 3).map(({ stream }) => stream)).toEqual([1, 3]),
      );
    });

    test("a client that speaks nonsense is closed", async () => {
      const client = await dial("/forward", ["portforward.k8s.io"]);
      client.write(Buffer.from("80ff00017fffffff00000000", "hex"));
      await client.closed;
    });

    test("a protocol that is not served is refused, with those that are", async () => {
      const refusal = (await openSpdy(address("/forward"), ["portforward.example"])) as IncomingMessage;
      expect([refusal.statusCode, refusal.headers["x-accepted-stream-protocol-versions"]]).toEqual([
        403,
        "portforward.k8s.io",
      ]);
      expect(await text(refusal)).toContain(
        "client supports [portforward.example], server accepts [portforward.k8s.io]",
      );
    });
  });

  test("what the node refuses is answered as a Status instead of the upgrade", async () => {
    const refusal = (await openSpdy(address("/gone?stdout=true"), ["v4.channel.k8s.io"])) as IncomingMessage;
    expect(refusal.statusCode).toBe(404);
    expect(JSON.parse(await text(refusal))).toMatchObject({
      kind: "Status",
      message: 'pods "web" not found',
      code: 404,
    });
  });

  test("any other upgrade is refused", async () => {
    const asking = get(address("/exec"), { headers: { connection: "Upgrade", upgrade: "h2c" } });
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    expect(response.statusCode).toBe(400);
    expect(JSON.parse(await text(response))).toMatchObject({ message: "Upgrade request required" });
  });
});

describe("a node's answer", () => {
  const answer = (status: number, body: string) => {
    const [stream, node] = duplexPair();
    node.end(body);
    return streamFrom({ status, stream });
  };

  test("is its stream", async () => {
    expect(await text(await answer(200, "frames"))).toBe("frames");
  });

  test.each<[body: string, message: string]>([
    [JSON.stringify(notFound({ group: "", plural: "pods" }, "web").toStatus()), 'pods "web" not found'],
    ["container not found", "container not found"],
    ["", "the node answered 404"],
  ])("of 404 with the body %j is the error %j", async (body, message) => {
    await expect(answer(404, body)).rejects.toMatchObject({ message, code: 404 });
  });
});
