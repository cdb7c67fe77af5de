import { describe, expect, test } from "vitest";
import { encodeProtobuf } from "../../api/schema/protobuf.ts";
import { typeNode } from "../../api/schema/table.ts";
import { decodeDeleteOptions } from "./decode-body.ts";

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
