import protobuf, { type Reader, type Writer } from "protobufjs/minimal.js";

/*
 * The messages of the Container Storage Interface (csi.v1) and of kubelet's plugin registration that a node sends and reads, as
 * far as it uses them: names and numbers are those of the published .proto files.
 */
type FieldType = "string" | "strings" | "bool" | "int" | "long" | "map" | Shape | readonly [Shape];
export interface Shape {
  readonly [field: string]: readonly [number: number, type: FieldType];
}
type Message = Readonly<Record<string, unknown>>;

const capability: Shape = {
  block: [1, {}],
  mount: [2, { fsType: [1, "string"], flags: [2, "strings"], group: [3, "string"] }],
  accessMode: [3, { mode: [1, "int"] }],
};

export const shapes = {
  empty: {},
  pluginInfo: { type: [1, "string"], name: [2, "string"], endpoint: [3, "string"], versions: [4, "strings"] },
  registrationStatus: { registered: [1, "bool"], error: [2, "string"] },
  nodeInfo: { nodeId: [1, "string"], maxVolumes: [2, "int"], topology: [3, { segments: [1, "map"] }] },
  nodeCapabilities: { capabilities: [1, [{ rpc: [1, { type: [1, "int"] }] }]] },
  stage: {
    volumeId: [1, "string"],
    publishContext: [2, "map"],
    stagingPath: [3, "string"],
    capability: [4, capability],
    secrets: [5, "map"],
    volumeContext: [6, "map"],
  },
  unstage: { volumeId: [1, "string"], stagingPath: [2, "string"] },
  publish: {
    volumeId: [1, "string"],
    publishContext: [2, "map"],
    stagingPath: [3, "string"],
    targetPath: [4, "string"],
    capability: [5, capability],
    readOnly: [6, "bool"],
    secrets: [7, "map"],
    volumeContext: [8, "map"],
  },
  unpublish: { volumeId: [1, "string"], targetPath: [2, "string"] },
  expand: {
    volumeId: [1, "string"],
    volumePath: [2, "string"],
    capacityRange: [3, { requiredBytes: [1, "long"], limitBytes: [2, "long"] }],
    stagingPath: [4, "string"],
    capability: [5, capability],
    secrets: [6, "map"],
  },
  expanded: { capacityBytes: [1, "long"] },
  stats: { volumeId: [1, "string"], volumePath: [2, "string"], stagingPath: [3, "string"] },
  usage: {
    usage: [1, [{ available: [1, "long"], total: [2, "long"], used: [3, "long"], unit: [4, "int"] }]],
    condition: [2, { abnormal: [1, "bool"], message: [2, "string"] }],
  },
} as const satisfies Record<string, Shape>;

const varint = 0;
const bytes = 2;

/** What is undefined is left out. */
export function encode(shape: Shape, message: Message): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [name, [number, type]] of Object.entries(shape)) {
    const value = message[name];
    if (value !== undefined) write(writer, number, { type, value });
  }
  return writer.finish();
}

function write(writer: Writer, number: number, { type, value }: { type: FieldType; value: unknown }): void {
  const field = (wire: number): Writer => writer.uint32((number << 3) | wire);
  if (type === "string") field(bytes).string(String(value));
  else if (type === "bool") field(varint).bool(Boolean(value));
  else if (type === "int") field(varint).int32(Number(value));
  else if (type === "long") field(varint).int64(Number(value));
  else if (type === "strings") for (const each of value as readonly string[]) field(bytes).string(each);
  else if (type === "map")
    for (const [key, each] of Object.entries(value as Record<string, string>))
      field(bytes).bytes(encode({ key: [1, "string"], value: [2, "string"] }, { key, value: each }));
  else if (isList(type)) for (const each of value as readonly Message[]) field(bytes).bytes(encode(type[0], each));
  else field(bytes).bytes(encode(type, value as Message));
}

/** What the shape does not know is passed over. */
export function decode(shape: Shape, content: Uint8Array): Record<string, unknown> {
  const reader = protobuf.Reader.create(content);
  const message: Record<string, unknown> = {};
  const fields = new Map(Object.entries(shape).map(([name, [number, type]]) => [number, { name, type }]));
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = fields.get(tag >>> 3);
    if (!field) reader.skipType(tag & 7);
    else message[field.name] = read(reader, field.type, message[field.name]);
  }
  return message;
}

function read(reader: Reader, type: FieldType, before: unknown): unknown {
  if (type === "string") return reader.string();
  if (type === "bool") return reader.bool();
  if (type === "int") return reader.int32();
  if (type === "long") return Number(String(reader.int64()));
  if (type === "strings") return [...((before as string[] | undefined) ?? []), reader.string()];
  if (type === "map") {
    const { key = "", value = "" } = decode({ key: [1, "string"], value: [2, "string"] }, reader.bytes());
    return { ...(before as Record<string, string> | undefined), [String(key)]: String(value) };
  }
  if (isList(type)) return [...((before as unknown[] | undefined) ?? []), decode(type[0], reader.bytes())];
  return decode(type, reader.bytes());
}

function isList(type: Shape | readonly [Shape]): type is readonly [Shape] {
  return Array.isArray(type);
}
