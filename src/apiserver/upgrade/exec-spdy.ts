import { finished } from "node:stream/promises";
import { channels } from "../../api/streams.ts";
import type { ExecClient, ExecStreams, NodeChannels } from "./exec.ts";
import { acceptSpdy, type Upgrade } from "./handshake.ts";
import { SpdySession, type SpdyStream } from "./spdy/session.ts";

const protocols = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"] as const;
type StreamName = "error" | "stdin" | "stdout" | "stderr" | "resize";

// As long as Kubernetes waits for a client to open the streams that it asked for.
const openingMs = 30_000;
// A size is some 30 bytes; what is longer is none.
const longestSize = 1024;

/** Exec and attach as kubectl up to 1.29 speaks them: SPDY, a stream for each of stdin, stdout, stderr, error, resize. */
export async function execOverSpdy(
  upgrade: Upgrade,
  { streams, node }: { streams: ExecStreams; node: NodeChannels },
): Promise<void> {
  const protocol = acceptSpdy(upgrade, protocols);
  if (!protocol) return;
  const wanted = wantedStreams(streams, protocol);
  const opened = new Map<StreamName, SpdyStream>();
  const complete = Promise.withResolvers<void>();
  const session = new SpdySession({
    connection: upgrade.socket,
    onStream(stream) {
      const name = stream.headers.streamtype as StreamName;
      if (!wanted.includes(name) || opened.has(name)) throw new Error(`no stream ${name} is expected`);
      opened.set(name, stream);
      if (opened.size === wanted.length) complete.resolve();
    },
  });
  const running = session.run();
  {
    using _timer = upgrade.clock.after(openingMs, () => session.end());
    await Promise.race([complete.promise, running]);
  }
  if (opened.size < wanted.length) return;

  for (const [name, stream] of opened) void receive(name, stream, node);
  await node.deliver(clientOn(opened, protocol));
  session.end();
  await running;
}

function wantedStreams({ stdin, stdout, stderr, tty }: ExecStreams, protocol: string): StreamName[] {
  const names: [StreamName, boolean][] = [
    ["error", true],
    ["stdin", stdin],
    ["stdout", stdout],
    ["stderr", stderr && !tty],
    ["resize", tty && (protocol.startsWith("v4") || protocol.startsWith("v3"))],
  ];
  return names.filter(([, isWanted]) => isWanted).map(([name]) => name);
}

/** Hands on what the client sends. Never rejects. */
async function receive(name: StreamName, stream: SpdyStream, node: NodeChannels): Promise<void> {
  try {
    if (name === "stdin") {
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) await node.send(channels.stdin, chunk);
      await node.closeStdin();
    } else if (name === "resize") {
      let rest = "";
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        const sizes = (rest + String(chunk)).split("\n");
        rest = sizes.pop()!.slice(0, longestSize);
        for (const size of sizes) if (size) await node.send(channels.resize, size);
      }
    } else {
      stream.resume();
    }
  } catch {
    // The client has reset the stream or is gone: the end of the connection tells the node.
  }
}

function clientOn(opened: ReadonlyMap<StreamName, SpdyStream>, protocol: string): ExecClient {
  const send = (stream: SpdyStream | undefined, payload: Buffer | string) =>
    new Promise<void>((sent) => (stream?.writable ? stream.write(payload, () => sent()) : sent()));
  return {
    send: (channel, payload) => send(opened.get(channel === channels.stdout ? "stdout" : "stderr"), payload),
    async finish(status) {
      // Before v4 only a failure is told, as a text.
      const isText = !protocol.startsWith("v4");
      const payload = isText ? (status.message ?? "") : JSON.stringify(status);
      if (!isText || status.status !== "Success") await send(opened.get("error"), payload);
      await Promise.allSettled([...opened.values()].map((stream) => finished(stream.end(), { readable: false })));
    },
  };
}
