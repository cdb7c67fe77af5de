import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { timeLimit } from "../../base/time-limit.ts";
import { callUnary, GrpcError } from "../grpc.ts";
import { decode, encode, type Shape, shapes } from "./messages.ts";

/** kubelet's limit for a call of a driver. */
const callMs = 2 * 60 * 1000;

/** What a driver may be able to do on a node, and the interface's numbers for it (NodeServiceCapability.RPC.Type). */
const abilities = { stages: 1, measures: 2, expands: 3, tellsWriters: 5, setsGroup: 6 } as const;
export type DriverTraits = Readonly<Record<keyof typeof abilities, boolean>>;

const deadlineExceeded = 4;

const unitBytes = 1;
const unitInodes = 2;

/** What a driver says of this node. */
export interface DriverNode {
  readonly nodeId: string;
  /** 0: any number. */
  readonly maxVolumes: number;
  readonly topology: Readonly<Record<string, string>>;
}

/** Who uses a volume in which way. */
export interface VolumeUse {
  readonly fsType?: string;
  readonly flags: readonly string[];
  /** Numbers of the interface (VolumeCapability.AccessMode.Mode). */
  readonly accessMode: number;
  readonly group?: string;
  /** A bare device. */
  readonly isBlock: boolean;
}

export interface StageRequest {
  readonly volumeId: string;
  readonly stagingPath: string;
  readonly use: VolumeUse;
  readonly publishContext: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly volumeContext: Readonly<Record<string, string>>;
}

export interface PublishRequest extends Omit<StageRequest, "stagingPath"> {
  /** Absent for volumes that were not staged. */
  readonly stagingPath?: string;
  readonly targetPath: string;
  readonly readOnly: boolean;
}

export interface ExpandRequest {
  readonly volumeId: string;
  readonly volumePath: string;
  readonly stagingPath?: string;
  readonly requiredBytes: number;
  readonly use: VolumeUse;
  readonly secrets: Readonly<Record<string, string>>;
}

/** What is in a volume and how much it holds, as far as its driver says. */
export interface Fill {
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes?: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly inodesUsed?: number;
}

/** The node's half of a CSI driver, reached through its socket. Every call may be repeated. */
export interface CsiDriver {
  node(): Promise<DriverNode>;
  /** Whether volumes are staged once a node before they are published, whether the driver itself sets their group, and so on. */
  traits(): Promise<DriverTraits>;
  stage(request: StageRequest): Promise<void>;
  unstage(request: { readonly volumeId: string; readonly stagingPath: string }): Promise<void>;
  publish(request: PublishRequest): Promise<void>;
  unpublish(request: { readonly volumeId: string; readonly targetPath: string }): Promise<void>;
  expand(request: ExpandRequest): Promise<void>;
  fill(request: {
    readonly volumeId: string;
    readonly volumePath: string;
    readonly stagingPath?: string;
  }): Promise<Fill>;
}

export function openDriver(socket: string): CsiDriver {
  const call = (method: string, ask: Shape, message: object, answer: Shape = shapes.empty) =>
    callSocket(socket, `/csi.v1.Node/${method}`, { ask, message, answer });
  return {
    async node() {
      const { nodeId = "", maxVolumes = 0, topology } = await call("NodeGetInfo", shapes.empty, {}, shapes.nodeInfo);
      const { segments = {} } = (topology ?? {}) as { segments?: Record<string, string> };
      return { nodeId: String(nodeId), maxVolumes: Number(maxVolumes), topology: segments };
    },
    async traits() {
      const { capabilities = [] } = await call("NodeGetCapabilities", shapes.empty, {}, shapes.nodeCapabilities);
      const types = new Set((capabilities as { rpc?: { type?: number } }[]).map(({ rpc }) => rpc?.type));
      const can = Object.entries(abilities).map(([name, type]) => [name, types.has(type)]);
      return Object.fromEntries(can) as Record<keyof typeof abilities, boolean>;
    },
    stage: async ({ use, ...request }) =>
      void (await call("NodeStageVolume", shapes.stage, { ...request, capability: capabilityOf(use) })),
    unstage: async (request) => void (await call("NodeUnstageVolume", shapes.unstage, request)),
    publish: async ({ use, ...request }) =>
      void (await call("NodePublishVolume", shapes.publish, { ...request, capability: capabilityOf(use) })),
    unpublish: async (request) => void (await call("NodeUnpublishVolume", shapes.unpublish, request)),
    expand: async ({ use, requiredBytes, ...request }) => {
      const message = { ...request, capacityRange: { requiredBytes }, capability: capabilityOf(use) };
      await call("NodeExpandVolume", shapes.expand, message, shapes.expanded);
    },
    async fill(request) {
      const { usage = [] } = await call("NodeGetVolumeStats", shapes.stats, request, shapes.usage);
      return Object.assign({}, ...(usage as Record<string, number>[]).map(fillOf));
    },
  };
}

/** One call through a socket, also of kubelet's registration. */
export async function callSocket(
  socket: string,
  path: string,
  { ask, message, answer, limitMs = callMs }: { ask: Shape; message: object; answer: Shape; limitMs?: number },
): Promise<Record<string, unknown>> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(socket) });
  const body = encode(ask, message as Record<string, unknown>);
  const call = { path, message: body, userAgent: "skiff" };
  using limit = timeLimit(limitMs);
  const told = await callUnary(session, call, limit.signal).catch((error: unknown) => {
    throw limit.signal.aborted ? new GrpcError(deadlineExceeded, "context deadline exceeded") : error;
  });
  return decode(answer, told);
}

function capabilityOf({ fsType, flags, accessMode, group, isBlock }: VolumeUse): object {
  const how = isBlock ? { block: {} } : { mount: { fsType, flags, group } };
  return { ...how, accessMode: { mode: accessMode } };
}

function fillOf({ available = 0, total = 0, used = 0, unit }: Readonly<Record<string, number>>): Fill {
  if (unit === unitBytes) return { availableBytes: available, capacityBytes: total, usedBytes: used };
  return unit === unitInodes ? { inodesFree: available, inodes: total, inodesUsed: used } : {};
}
