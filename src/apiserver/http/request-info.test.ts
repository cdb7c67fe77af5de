import { describe, expect, test } from "vitest";
import { requestInfo } from "./request-info.ts";

const plain = { watching: false, onlyName: undefined };

describe("what a request asks for", () => {
  test.each<[method: string, path: string, expected: Record<string, unknown>]>([
    ["GET", "/api/v1/namespaces", { verb: "list", resource: "namespaces", namespace: "", depth: 1 }],
    ["GET", "/api/v1/namespaces/a", { verb: "get", resource: "namespaces", namespace: "a", name: "a" }],
    ["PUT", "/api/v1/namespaces/a/finalize", { resource: "namespaces", name: "a", subresource: "finalize" }],
    ["POST", "/api/v1/namespaces/a/pods", { verb: "create", resource: "pods", namespace: "a", name: "" }],
    ["DELETE", "/apis/apps/v1/namespaces/a/deployments", { verb: "deletecollection", group: "apps" }],
    ["GET", "/api/v1/nodes/n/proxy/metrics/x", { name: "n", subresource: "proxy", rest: "metrics/x", depth: 5 }],
    ["GET", "/api/v1/watch/namespaces/a/pods", { verb: "watch", resource: "pods", namespace: "a" }],
    ["GET", "/apis/apps", { isResource: false, verb: "get" }],
    ["GET", "/version", { isResource: false, path: "/version" }],
  ])("%s %s", (method, path, expected) => {
    expect(requestInfo(method, path, plain)).toMatchObject(expected);
  });

  test("a list of one name is authorized as that name's", () => {
    const query = { watching: true, onlyName: "only" };
    expect(requestInfo("GET", "/api/v1/namespaces/a/secrets", query)).toMatchObject({ verb: "watch", name: "only" });
  });
});
