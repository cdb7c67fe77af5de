import { channels } from "../../api/streams.ts";
import type { ExecClient, ExecStreams, NodeChannels } from "./exec.ts";
import type { Upgrade } from "./handshake.ts";
import {
  type AcceptedWebSocket,
  acceptWebSocket,
  type ChannelMessage,
  closeWebSocket,
  onMessages,
  sendMessage,
} from "./websocket.ts";

const protocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
] as const;

/**
 * Exec and attach as kubectl since 1.30 and browsers speak them: WebSocket messages whose first byte is the channel. In
 * the base64 protocols the channel is a digit and the rest is base64.
 */
export async function execOverWebSocket(
  upgrade: Upgrade,
  { streams, node }: { streams: ExecStreams; node: NodeChannels },
): Promise<void> {
  const socket = await acceptWebSocket(upgrade, protocols);
  if (!socket) return;
  onMessages(socket, (message) => receive(message, node));
  const client = clientOn(socket);
  // An empty message tells the client that the connection stands.
  await client.send(
    streams.stdout ? channels.stdout : streams.stderr ? channels.stderr : channels.error,
    Buffer.alloc(0),
  );
  await node.deliver(client);
}

async function receive({ channel, payload }: ChannelMessage, node: NodeChannels): Promise<void> {
  switch (channel) {
    case channels.stdin:
    case channels.resize:
      return node.send(channel, payload);
    case channels.close:
      if (payload[0] === channels.stdin) await node.closeStdin();
      return;
    default:
      // Nothing is expected on the others.
      return;
  }
}

function clientOn(socket: AcceptedWebSocket): ExecClient {
  const isText = !/^v[45]\./.test(socket.protocol);
  return {
    send: (channel, payload) => sendMessage(socket, channel, payload),
    async finish(status) {
      // Before v4 only a failure is told, as a text.
      const payload = isText ? (status.message ?? "") : JSON.stringify(status);
      if (!isText || status.status !== "Success") await sendMessage(socket, channels.error, Buffer.from(payload));
      await closeWebSocket(socket);
    },
  };
}
