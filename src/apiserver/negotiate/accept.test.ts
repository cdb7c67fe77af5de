import { describe, expect, test } from "vitest";
import { formFor } from "./accept.ts";

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";

describe("the form of an answer", () => {
  test.each<[accept: string | undefined, expected: Record<string, unknown>]>([
    [undefined, { encoding: "json", as: undefined }],
    ["*/*", { encoding: "json" }],
    ["application/yaml", { encoding: "yaml" }],
    ["application/json;q=0.5,application/yaml", { encoding: "yaml" }],
    [`${table},application/json`, { encoding: "json", as: "Table", asVersion: "v1" }],
    ["application/vnd.kubernetes.protobuf,application/json", { encoding: "protobuf" }],
    ["application/json;as=Chair;v=v1;g=meta.k8s.io,application/json", { encoding: "json", as: undefined }],
  ])("for %s", (accept, expected) => {
    expect(formFor(accept)).toMatchObject(expected);
  });

  test.each(["application/xml", "application/*", "bad", "application/json;as=Table;v=v9;g=meta.k8s.io"])(
    "%s is refused",
    (accept) => {
      expect(() => formFor(accept)).toThrow(expect.objectContaining({ reason: "NotAcceptable" }));
    },
  );

  test("a custom resource has no protobuf form, its metadata has", () => {
    const protobuf = "application/vnd.kubernetes.protobuf";
    expect(formFor(`${protobuf},application/json`, "object", { custom: true }).encoding).toBe("json");
    const metadata = `${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`;
    expect(formFor(metadata, "object", { custom: true }).encoding).toBe("protobuf");
  });

  test("what is only done and never kept has no table", () => {
    expect(formFor(`${table},application/json`, "object", { printed: false }).as).toBeUndefined();
    expect(() => formFor(table, "object", { printed: false })).toThrow(/only the following media types are accepted/);
  });

  test("a watch is never YAML", () => {
    expect(() => formFor("application/yaml", "watch")).toThrow(/stream=watch/);
  });
});
