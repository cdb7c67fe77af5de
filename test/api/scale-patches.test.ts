import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AnyObject } from "../../src/api/object.ts";
import type { PatchType, RequestOptions } from "../../src/api/request.ts";
import { StatusError } from "../../src/api/status.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { startApiServer } from "../support/api-server.ts";

let server: ApiServer;
const at = { group: "apps", version: "v1", resource: "deployments", namespace: "default" };
const client = () => server.transportFor({ name: "admin", uid: "", groups: ["system:masters"], extra: {} });

beforeAll(async () => {
  server = await startApiServer();
  const labels = { a: "b" };
  const template = { metadata: { labels }, spec: { containers: [{ name: "a", image: "x" }] } };
  const body = { metadata: { name: "d" }, spec: { selector: { matchLabels: labels }, template } };
  await client().request({ verb: "create", ...at, body: body as unknown as AnyObject });
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function patchScale(type: PatchType, document: unknown, options: RequestOptions = {}): Promise<unknown> {
  try {
    const patch = { type, document };
    return await client().request({ verb: "patch", ...at, name: "d", subresource: "scale", patch, options });
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

describe("a patch of a scale is read as a Scale", () => {
  test.each<[what: string, type: PatchType, body: unknown, options: RequestOptions, refused: RegExp]>([
    [
      "a number that is none",
      "merge",
      { spec: { replicas: "x" } },
      {},
      /^422 {2}"" is invalid: patch: .*: json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32$/,
    ],
    [
      "an unknown field",
      "merge",
      { bogus: 1 },
      { fieldValidation: "Strict" },
      /strict decoding error: unknown field "bogus"$/,
    ],
    ["another name", "merge", { metadata: { name: "e" } }, {}, /^400 the name of the object \(e\) does not match/],
    ["another kind", "merge", { kind: "Foo" }, {}, /no kind "Foo" is registered for version "autoscaling\/v1"/],
    [
      "an object of another kind, applied",
      "apply",
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" } },
      { fieldManager: "m" },
      /^400 invalid object type: apps\/v1, Kind=Deployment$/,
    ],
  ])("%s", async (_, type, body, options, refused) => {
    expect(await patchScale(type, body, options)).toMatch(refused);
  });

  test("what fits is taken", async () => {
    expect(await patchScale("strategic", { spec: { replicas: 3 } })).toMatchObject({ spec: { replicas: 3 } });
  });
});
