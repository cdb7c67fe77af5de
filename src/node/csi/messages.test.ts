import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode, type Shape, shapes } from "./messages.ts";

describe("a message of the interface", () => {
  test("has the bytes that every gRPC library reads", () => {
    expect(Buffer.from(encode(shapes.unpublish, { volumeId: "a", targetPath: "/b" })).toString("hex")).toBe(
      "0a016112022f62",
    );
    const capability = { mount: { fsType: "ext4" }, accessMode: { mode: 1 } };
    expect(Buffer.from(encode(shapes.stage, { volumeId: "a", capability })).toString("hex")).toBe(
      "0a0161220c12060a04657874341a020801",
    );
    expect(Buffer.from(encode(shapes.publish, { readOnly: true, volumeContext: { k: "v" } })).toString("hex")).toBe(
      "300142060a016b120176",
    );
  });

  test("that a newer program wrote is read as far as it is known", () => {
    const newer: Shape = { ...shapes.nodeInfo, later: [9, "string"] };
    const written = encode(newer, { nodeId: "n", later: "x", maxVolumes: 3 });
    expect(decode(shapes.nodeInfo, written)).toEqual({ nodeId: "n", maxVolumes: 3 });
  });

  test("comes back as it was", () => {
    const text = fc.string();
    const map = fc.dictionary(
      text.filter((key) => key !== "__proto__"),
      text,
    );
    fc.assert(
      fc.property(fc.record({ volumeId: text, targetPath: text, readOnly: fc.boolean(), secrets: map }), (message) => {
        const { secrets, ...plain } = decode(shapes.publish, encode(shapes.publish, message));
        expect({ ...plain, secrets: { ...(secrets as object | undefined) } }).toEqual({
          ...message,
          secrets: { ...message.secrets },
        });
      }),
    );
  });

  test.each([
    ["capabilities", shapes.nodeCapabilities, { capabilities: [{ rpc: { type: 1 } }, { rpc: { type: 6 } }] }],
    ["versions", shapes.pluginInfo, { type: "CSIPlugin", name: "d", versions: ["1.0.0", "1.1.0"] }],
    ["topology", shapes.nodeInfo, { nodeId: "n", topology: { segments: { zone: "a", rack: "b" } } }],
  ])("holds several %s", (_, shape, message) => {
    expect(decode(shape, encode(shape, message))).toEqual(message);
  });
});
