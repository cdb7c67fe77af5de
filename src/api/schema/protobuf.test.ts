import fc from "fast-check";
import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { complete } from "./complete.ts";
import { decodeProtobuf, encodeProtobuf, frameWatchEvent, openEnvelope } from "./protobuf.ts";
import { typeNode } from "./table.ts";

const complex = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "a",
    labels: { b: "2", a: "1" },
    creationTimestamp: "2026-01-01T00:00:00Z",
    managedFields: [{ manager: "m", operation: "Update", fieldsType: "FieldsV1", fieldsV1: { "f:spec": {} } }],
  },
  spec: {
    containers: [
      {
        name: "main",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        resources: { limits: { cpu: "500m", memory: "64Mi" } },
        readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 5 },
        livenessProbe: { tcpSocket: { port: 8080 } },
      },
    ],
    volumes: [{ name: "v", configMap: { name: "c", defaultMode: 420 } }],
    priority: -5,
    terminationGracePeriodSeconds: 0,
    securityContext: {},
  },
  status: {},
};

describe("protobuf", () => {
  test("what is written is read again", () => {
    expect(decodedAgain(complex)).toEqual(completed(complex));
  });

  test("writes fields that are no pointers even when they are empty, and the envelope around them", () => {
    const bytes = encodeProtobuf({ apiVersion: "v1", kind: "Status", status: "Failure", code: 406 });
    expect(Buffer.from(bytes).toString("base64")).toBe(
      "azhzAAoMCgJ2MRIGU3RhdHVzEhgKBgoAEgAaABIHRmFpbHVyZRoAIgAwlgMaACIA",
    );
    expect(openEnvelope(bytes)).toMatchObject({ apiVersion: "v1", kind: "Status" });
  });

  test("keeps binary data, maps of lists, and choices of schemas", () => {
    expect(decodedAgain({ apiVersion: "v1", kind: "Secret", metadata: {}, data: { k: "AP8=", e: "" } }).data).toEqual({
      k: "AP8=",
      e: "",
    });
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec: { user: "u", extra: { scopes: ["a", "b"] } },
    };
    expect(decodedAgain(review).spec).toEqual(review.spec);
    const schema = {
      type: "object",
      additionalProperties: false,
      items: { type: "string" },
      default: { a: [1] },
      properties: { x: { additionalProperties: { type: "integer" } } },
    };
    const node = typeNode("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation");
    const read = decodeProtobuf(encodeProtobuf({ openAPIV3Schema: schema }, node), node);
    expect(read).toEqual({ openAPIV3Schema: schema });
  });

  test("any ConfigMap comes back as it was", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(fc.dictionary(text, text, { minKeys: 1 }), fc.string(), (data, name) => {
        const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `n${name}` }, data };
        expect(decodeProtobuf(encodeProtobuf(object))).toEqual({ ...object, data: { ...data } });
      }),
    );
  });

  test("any bytes are read or refused, and nothing else happens", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeProtobuf(Uint8Array.of(0x6b, 0x38, 0x73, 0, ...bytes), typeNode("io.k8s.api.core.v1.Pod"));
        } catch (error) {
          expect((error as Error).name).toBe("DecodeError");
        }
      }),
    );
    expect(() => decodeProtobuf(Uint8Array.of(1, 2, 3))).toThrow("does not appear to be a protobuf message");
  });

  test("events of a watch are framed one behind the other", () => {
    const object = encodeProtobuf({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } });
    const stream = Buffer.concat([frameWatchEvent("ADDED", object), frameWatchEvent("DELETED", object)]);
    const events = eventsIn(stream);
    expect(events.map(({ type }) => type)).toEqual(["ADDED", "DELETED"]);
    for (const event of events) expect(decodeProtobuf(event.object).metadata).toEqual({ name: "a" });
  });
});

/** What a client reads: four bytes of length, then a WatchEvent (type, and a RawExtension around the object). */
function eventsIn(stream: Buffer): { type: string; object: Uint8Array }[] {
  const events: { type: string; object: Uint8Array }[] = [];
  for (let at = 0; at < stream.length; at += 4 + stream.readUInt32BE(at)) {
    const reader = protobuf.Reader.create(stream.subarray(at + 4, at + 4 + stream.readUInt32BE(at)));
    expect(reader.uint32() >>> 3).toBe(1);
    const type = reader.string();
    expect(reader.uint32() >>> 3).toBe(2);
    const extension = protobuf.Reader.create(reader.bytes());
    expect(extension.uint32() >>> 3).toBe(1);
    events.push({ type, object: extension.bytes() });
    expect(reader.pos).toBe(reader.len);
  }
  return events;
}

function completed(object: Record<string, unknown>): Record<string, unknown> {
  const copy = structuredClone(object);
  complete(copy, typeNode("io.k8s.api.core.v1.Pod"));
  return copy;
}

function decodedAgain(object: Record<string, unknown>): Record<string, unknown> {
  const read = decodeProtobuf(encodeProtobuf(object));
  if (read.kind === "Pod") complete(read, typeNode("io.k8s.api.core.v1.Pod"));
  return read;
}
