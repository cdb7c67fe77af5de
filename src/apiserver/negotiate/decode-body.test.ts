import { describe, expect, test } from "vitest";
import { encodeProtobuf } from "../../api/schema/protobuf.ts";
import { typeNode } from "../../api/schema/table.ts";
import { decodeDeleteOptions, decodeExpected } from "./decode-body.ts";

describe("the body of a delete", () => {
  test("is read in every form that clients send", () => {
    const options = { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0, propagationPolicy: "Foreground" };
    const node = typeNode("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
    const message = Buffer.from(encodeProtobuf(options, node));
    expect(decodeDeleteOptions(Buffer.from(JSON.stringify(options)), "json")).toMatchObject(options);
    expect(decodeDeleteOptions(Buffer.from("propagationPolicy: Foreground"), "yaml")).toEqual({
      propagationPolicy: "Foreground",
    });
    expect(decodeDeleteOptions(message, "protobuf")).toMatchObject(options);
    expect(decodeDeleteOptions(Buffer.from("null"), "json")).toEqual({});
  });

  test.each<[text: string, says: string]>([
    ["{", "couldn't get version/kind; json parse error: unexpected end of JSON input"],
    [
      '{"gracePeriodSeconds":"soon"}',
      "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
    ],
  ])("%s is refused", (text, says) => {
    expect(() => decodeDeleteOptions(Buffer.from(text), "json")).toThrow(says);
  });
});

describe("a protobuf body that is none", () => {
  const expected = { group: "", version: "v1", kind: "ConfigMap", type: "io.k8s.api.core.v1.ConfigMap" };
  const unrecognized = "the object provided is unrecognized (must be of type ConfigMap)";
  const envelope = Buffer.from("k8s\0\n\x0f\n\x02v1\x12\tConfigMap\x12\x02\x0a\x7f", "latin1");
  test.each<[what: string, bytes: Buffer, says: string]>([
    ["nothing", Buffer.alloc(0), `${unrecognized}: empty data (<empty>)`],
    ["only the prefix", Buffer.from("k8s\0"), `${unrecognized}: empty body (6b387300)`],
    [
      "another format",
      Buffer.from("abc"),
      `${unrecognized}: provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (616263)`,
    ],
    ["an object cut short", envelope, 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF'],
  ])("%s", (_, bytes, says) => {
    const options = { encoding: "protobuf", fieldValidation: "Warn", warn: () => undefined } as const;
    expect(() => decodeExpected(bytes, expected, options)).toThrow(says);
  });
});
