import { afterAll, beforeAll, expect, test } from "vitest";
import type { AnyObject } from "../../src/api/object.ts";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { startApiServer } from "../support/api-server.ts";

let server: ApiServer;
beforeAll(async () => void (server = await startApiServer()));
afterAll(() => server?.[Symbol.asyncDispose]());

const gone = (resource: string, place: string) =>
  `Operation cannot be fulfilled on ${resource} "a": StorageError: invalid object, Code: 4, Key: /registry/${place}/default/a, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: u, UID in object meta: `;

test.each<[what: string, resource: string, metadata: object, message: string]>([
  ["nothing to replace", "configmaps", { name: "a" }, 'configmaps "a" not found'],
  ["another name", "configmaps", { name: "b" }, "the name of the object (b) does not match the name on the URL (a)"],
  ["what was there before", "configmaps", { name: "a", uid: "u" }, gone("configmaps", "configmaps")],
  ["of a kind that a PUT creates", "endpoints", { name: "a", uid: "u" }, gone("endpoints", "services/endpoints")],
])("a PUT where nothing is: %s", async (_, resource, metadata, message) => {
  const client = server.transportFor({ name: "admin", uid: "", groups: ["system:masters"], extra: {} });
  const at = { group: "", version: "v1", resource, namespace: "default", name: "a" };
  await expect(client.request({ verb: "update", ...at, body: { metadata } as AnyObject })).rejects.toMatchObject({
    message,
  });
});
