import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Http2Server } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { csiNode } from "../../api/kinds/storage/csi-node.ts";
import { systemClock } from "../../base/clock.ts";
import { noLog } from "../../base/log.ts";
import { fakeClock } from "../../base/testing/fake-clock.ts";
import { type Client, openClient } from "../../client/client.ts";
import { memoryTransport } from "../../client/testing/memory-transport.ts";
import { encode, type Shape, shapes } from "./messages.ts";
import { type DriverRegistry, openDriverRegistry } from "./registry.ts";

let directory: string;
let client: Client;
let registry: DriverRegistry;
const servers: Http2Server[] = [];

/** A driver that answers what it is asked when it registers, all through one socket. */
function startDriver(
  name: string,
  { nodeId = "id", type = "CSIPlugin", isDead = false, hangsIn = "" } = {},
): () => void {
  const socket = join(directory, "plugins_registry", `${name}-reg.sock`);
  const answers: Readonly<Record<string, readonly [Shape, Record<string, unknown>]>> = {
    GetInfo: [shapes.pluginInfo, { type, name, endpoint: socket, versions: ["1.0.0"] }],
    NodeGetInfo: [shapes.nodeInfo, { nodeId, topology: { segments: { rack: nodeId } } }],
    NotifyRegistrationStatus: [shapes.empty, {}],
  };
  const server = createServer();
  server.on("stream", (stream, headers) => {
    if (isDead) return stream.destroy();
    const call = String(headers[":path"]).split("/").at(-1) ?? "";
    if (call === hangsIn) return;
    const [shape, answer] = answers[call] ?? [shapes.empty, {}];
    const body = encode(shape, answer);
    const frame = Buffer.concat([Buffer.alloc(5), body]);
    frame.writeUInt32BE(body.length, 1);
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(frame);
  });
  server.listen(socket);
  servers.push(server);
  return () => {
    server.close();
    rmSync(socket, { force: true });
  };
}

const drivers = async () => {
  const found = (await client.list(csiNode)).items[0]?.spec.drivers ?? [];
  return found.map(({ name, nodeID }) => `${name} ${nodeID}`);
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "skiff-csi-"));
  client = openClient(memoryTransport(systemClock), { fieldManager: "kubelet" });
  const parts = { client, clock: systemClock, log: noLog, nodeName: "n1", directory, changed: () => {} };
  registry = await openDriverRegistry(parts);
  registry.announce("u1");
});
afterEach(async () => {
  registry[Symbol.dispose]();
  for (const server of servers.splice(0)) server.close();
  await rm(directory, { recursive: true, force: true });
});

describe("the drivers of a node", () => {
  test("come and go with their sockets", async () => {
    await vi.waitFor(async () => expect((await client.list(csiNode)).items).toHaveLength(1));
    const stop = startDriver("disk");
    await vi.waitFor(async () => expect(await drivers()).toEqual(["disk id"]));
    expect(registry.driver("disk")).toBeDefined();
    expect(registry.labels()).toEqual({ rack: "id" });
    expect(registry.annotations()).toEqual({ "csi.volume.kubernetes.io/nodeid": '{"disk":"id"}' });
    stop();
    await vi.waitFor(async () => expect(await drivers()).toEqual([]));
    expect(registry.driver("disk")).toBeUndefined();
    expect(registry.annotations()).toEqual({ "csi.volume.kubernetes.io/nodeid": undefined });
  });

  test("are asked again when they were started anew", async () => {
    const stop = startDriver("disk");
    await vi.waitFor(async () => expect(await drivers()).toEqual(["disk id"]));
    stop();
    startDriver("disk", { nodeId: "other" });
    await vi.waitFor(async () => expect(await drivers()).toEqual(["disk other"]));
  });

  test("come at once, also while one that does not answer waits to be tried again", async () => {
    registry[Symbol.dispose]();
    startDriver("dead", { isDead: true });
    const clock = fakeClock();
    registry = await openDriverRegistry({ client, clock, log: noLog, nodeName: "n1", directory, changed: () => {} });
    registry.announce("u1");
    const waits = () => vi.waitFor(() => expect(clock.waiting).toBeGreaterThan(0));
    for (let waitMs = 500; waitMs <= 8_000; waitMs *= 2) {
      await waits();
      await clock.advance(waitMs);
    }
    await waits();
    startDriver("disk");
    await vi.waitFor(
      async () => {
        await clock.advance(50);
        expect(registry.driver("disk")).toBeDefined();
      },
      { interval: 20 },
    );
  });

  test.each(["GetInfo", "NodeGetInfo", "NotifyRegistrationStatus"])(
    "do not wait for one that hangs in %s",
    async (hangsIn) => {
      startDriver("a-hanging", { hangsIn });
      await vi.waitFor(async () => expect((await client.list(csiNode)).items).toHaveLength(1));
      startDriver("disk");
      await vi.waitFor(async () => expect(await drivers()).toContain("disk id"));
      expect(registry.labels()).toMatchObject({ rack: "id" });
    },
  );

  test("stand beside plugins of other sorts, which are left alone", async () => {
    startDriver("gpu", { type: "DRAPlugin" });
    startDriver("disk");
    await vi.waitFor(async () => expect(await drivers()).toEqual(["disk id"]));
    expect(registry.driver("gpu")).toBeUndefined();
  });
});
