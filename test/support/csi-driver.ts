import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Http2Server } from "node:http2";
import { join } from "node:path";
import { decode, encode, type Shape, shapes } from "../../src/node/csi/messages.ts";

/*
 * A CSI driver for tests, run on a machine: `node csi-driver.ts KUBELET_DIRECTORY DISKS`. A volume is a directory below DISKS,
 * bound into place. Each call is written down in DISKS/calls; those that DISKS/hangs names are never answered.
 */
const [directory = "", disks = ""] = process.argv.slice(2);
const driverName = "disk.example.com";

type Handler = (request: Record<string, unknown>) => readonly [shape: Shape, answer: object];
const nothing = [shapes.empty, {}] as const;

const isBlock = (capability: unknown): boolean => (capability as { block?: object }).block !== undefined;

/** Called again it does nothing, as drivers must. */
function bind(from: string, to: string, options = "bind"): void {
  if (readFileSync("/proc/self/mountinfo", "utf8").includes(` ${to} `)) return;
  if (!existsSync(to)) mkdirSync(to, { recursive: true });
  const { status, stderr } = spawnSync("mount", ["-o", options, from, to]);
  if (status !== 0) throw new Error(String(stderr));
}

/** Called again for what is gone already it does nothing, as drivers must. */
function unbind(path: unknown): ReturnType<Handler> {
  spawnSync("umount", [String(path)]);
  rmSync(String(path), { recursive: true, force: true });
  return nothing;
}

function told(name: string, request: Record<string, unknown>): void {
  appendFileSync(join(disks, "calls"), `${JSON.stringify({ call: name, ...request })}\n`);
}

const hangs = (name: string): boolean => {
  const file = join(disks, "hangs");
  return existsSync(file) && readFileSync(file, "utf8").split(/\s/).includes(name);
};

const node: Readonly<Record<string, readonly [shape: Shape, Handler]>> = {
  NodeGetInfo: [
    shapes.empty,
    () => [
      shapes.nodeInfo,
      { nodeId: "machine-7", maxVolumes: 5, topology: { segments: { "disk.example.com/rack": "r1" } } },
    ],
  ],
  NodeGetCapabilities: [
    shapes.empty,
    () => [shapes.nodeCapabilities, { capabilities: [1, 2, 3, 5].map((type) => ({ rpc: { type } })) }],
  ],
  NodeStageVolume: [
    shapes.stage,
    ({ volumeId, stagingPath, capability }) => {
      if (isBlock(capability)) return nothing;
      const disk = join(disks, String(volumeId));
      mkdirSync(disk, { recursive: true });
      bind(disk, String(stagingPath));
      return nothing;
    },
  ],
  NodePublishVolume: [
    shapes.publish,
    ({ volumeId, stagingPath, targetPath, capability }) => {
      if (isBlock(capability)) {
        // A device's name lies beside the disks, put there by the test.
        writeFileSync(String(targetPath), "");
        bind(readFileSync(join(disks, `${volumeId}.device`), "utf8").trim(), String(targetPath));
        return nothing;
      }
      const disk = join(disks, String(volumeId));
      mkdirSync(disk, { recursive: true });
      bind(stagingPath ? String(stagingPath) : disk, String(targetPath));
      return nothing;
    },
  ],
  NodeUnpublishVolume: [shapes.unpublish, ({ targetPath }) => unbind(targetPath)],
  NodeExpandVolume: [
    shapes.expand,
    ({ capacityRange }) => [
      shapes.expanded,
      { capacityBytes: (capacityRange as { requiredBytes: number }).requiredBytes },
    ],
  ],
  NodeGetVolumeStats: [
    shapes.stats,
    () => [
      shapes.usage,
      {
        usage: [
          { available: 6_000_000_000, total: 10_000_000_000, used: 4_000_000_000, unit: 1 },
          { available: 90, total: 100, used: 10, unit: 2 },
        ],
      },
    ],
  ],
  NodeUnstageVolume: [shapes.unstage, ({ stagingPath }) => unbind(stagingPath)],
};

function registration(endpoint: string): Readonly<Record<string, readonly [shape: Shape, Handler]>> {
  return {
    GetInfo: [
      shapes.empty,
      () => [shapes.pluginInfo, { type: "CSIPlugin", name: driverName, endpoint, versions: ["1.0.0"] }],
    ],
    NotifyRegistrationStatus: [shapes.registrationStatus, () => nothing],
  };
}

function serve(socket: string, handlers: Readonly<Record<string, readonly [shape: Shape, Handler]>>): Http2Server {
  rmSync(socket, { force: true });
  const server = createServer();
  server.on("stream", (stream, headers) => {
    const name = String(headers[":path"]).split("/").at(-1) ?? "";
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const handler = handlers[name];
      const end = (status: number, message: string, body: Uint8Array): void => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () =>
          stream.sendTrailers({ "grpc-status": String(status), "grpc-message": encodeURIComponent(message) }),
        );
        const frame = Buffer.concat([Buffer.alloc(5), body]);
        frame.writeUInt32BE(body.length, 1);
        stream.end(status === 0 ? frame : undefined);
      };
      try {
        if (!handler) throw new Error(`there is no ${name}`);
        const request = decode(handler[0], Buffer.concat(chunks).subarray(5));
        told(name, request);
        if (hangs(name)) return;
        const [shape, answer] = handler[1](request);
        end(0, "", encode(shape, answer as Record<string, unknown>));
      } catch (error) {
        end(13, (error as Error).message, new Uint8Array());
      }
    });
  });
  server.listen(socket);
  return server;
}

mkdirSync(disks, { recursive: true });
mkdirSync(join(directory, "plugins", driverName), { recursive: true });
const endpoint = join(directory, "plugins", driverName, "csi.sock");
const registered = join(directory, "plugins_registry", `${driverName}-reg.sock`);
const servers = [serve(endpoint, node), serve(registered, registration(endpoint))];
process.once("SIGTERM", () => {
  for (const server of servers) server.close();
  rmSync(registered, { force: true });
  process.exit(0);
});
