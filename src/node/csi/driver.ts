import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { callUnary } from "../grpc.ts";
import { decode, encode, type Shape, shapes } from "./messages.ts";

/** kubelet's limit for a call of a driver. */
const callMs = 2 * 60 * 1000;
const stageUnstage = 1;
const volumeMountGroup = 6;

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

/** The node's half of a CSI driver, reached through its socket. Every call may be repeated. */
export interface CsiDriver {
  node(): Promise<DriverNode>;
  /** Whether volumes are staged once a node before they are published, and whether the driver itself sets their group. */
  traits(): Promise<{ readonly stages: boolean; readonly setsGroup: boolean }>;
  stage(request: StageRequest): Promise<void>;
  unstage(request: { readonly volumeId: string; readonly stagingPath: string }): Promise<void>;
  publish(request: PublishRequest): Promise<void>;
  unpublish(request: { readonly volumeId: string; readonly targetPath: string }): Promise<void>;
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
      const types = (capabilities as { rpc?: { type?: number } }[]).map(({ rpc }) => rpc?.type);
      return { stages: types.includes(stageUnstage), setsGroup: types.includes(volumeMountGroup) };
    },
    stage: async ({ use, ...request }) =>
      void (await call("NodeStageVolume", shapes.stage, { ...request, capability: capabilityOf(use) })),
    unstage: async (request) => void (await call("NodeUnstageVolume", shapes.unstage, request)),
    publish: async ({ use, ...request }) =>
      void (await call("NodePublishVolume", shapes.publish, { ...request, capability: capabilityOf(use) })),
    unpublish: async (request) => void (await call("NodeUnpublishVolume", shapes.unpublish, request)),
  };
}

/** One call through a socket, also of kubelet's registration. */
export async function callSocket(
  socket: string,
  path: string,
  { ask, message, answer }: { ask: Shape; message: object; answer: Shape },
): Promise<Record<string, unknown>> {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(socket) });
  const body = encode(ask, message as Record<string, unknown>);
  const call = { path, message: body, userAgent: "skiff" };
  return decode(answer, await callUnary(session, call, AbortSignal.timeout(callMs)));
}

function capabilityOf({ fsType, flags, accessMode, group }: VolumeUse): object {
  return { mount: { fsType, flags, group }, accessMode: { mode: accessMode } };
}
