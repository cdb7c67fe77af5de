import { getEventListeners, once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTunnel } from "./dial-tunnel.ts";

/** What a server does that was asked for a tunnel. */
let answer: (connection: Socket) => void;
const server = createServer((connection) => {
  connection.on("error", () => connection.destroy());
  connection.once("data", () => answer(connection));
});

async function dial(signal: AbortSignal): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect", { signal });
  return socket;
}

describe("asking a server for a tunnel", () => {
  beforeEach(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => {
    server.close();
  });

  test("hands the connection over with what the server said behind its answer", async () => {
    answer = (connection) => connection.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nfirst words");
    const { signal } = new AbortController();
    const socket = await dial(signal);
    const tunnel = await startTunnel(socket, "server", signal);
    expect(String(tunnel.read())).toBe("first words");
    tunnel.destroy();
  });

  test.each<[what: string, does: (connection: Socket) => void, words: string]>([
    ["refuses", (c) => c.end("HTTP/1.1 403 Forbidden\r\n\r\n"), "the server refused the tunnel: 403 Forbidden"],
    ["closes the connection without an answer", (c) => c.end(), "the server closed the connection"],
    ["breaks it off in its answer", (c) => c.end("HTTP/1.1 101 Switch"), "the server closed the connection"],
    ["has an answer without end", (c) => c.write("x".repeat(20_000)), "the server's answer has no end"],
  ])("fails when the server %s, and leaves nothing behind", async (_, does, words) => {
    answer = does;
    const { signal } = new AbortController();
    const socket = await dial(signal);
    await expect(startTunnel(socket, "server", signal)).rejects.toThrow(words);
    expect(socket.destroyed).toBe(true);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("ends with its signal, also with one that was aborted before", async () => {
    answer = () => {};
    const leaving = new AbortController();
    const asked = startTunnel(await dial(leaving.signal), "server", leaving.signal);
    leaving.abort();
    await expect(asked).rejects.toThrow("not needed any more");
    const socket = await dial(new AbortController().signal);
    await expect(startTunnel(socket, "server", leaving.signal)).rejects.toThrow("not needed any more");
    expect(socket.destroyed).toBe(true);
  });
});
