import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ApiServer } from "../../src/apiserver/serve.ts";
import { fakeClock } from "../../src/base/testing/fake-clock.ts";
import { adminToken, startApiServer } from "../support/api-server.ts";
import { ask } from "../support/ask.ts";

const guest = { token: "guest-token", user: "guest", uid: "u-guest", groups: ["system:authenticated"] };
const clock = fakeClock();
let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({
    clock,
    staticTokens: [adminToken, guest],
    requestsAtOnce: { reads: 200, changes: 45 },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const api = "/apis/flowcontrol.apiserver.k8s.io/v1";
const uidOf = async (path: string): Promise<string> =>
  JSON.parse((await ask(server.url, "GET", `${api}/${path}`)).text).metadata.uid;
const mergePatch = "application/merge-patch+json";

describe("API priority and fairness", () => {
  test("answers say which flow schema and priority level the request belongs to", async () => {
    const { headers } = await ask(server.url, "GET", "/api/v1/pods");
    expect(headers).toMatchObject({
      "x-kubernetes-pf-flowschema-uid": await uidOf("flowschemas/exempt"),
      "x-kubernetes-pf-prioritylevel-uid": await uidOf("prioritylevelconfigurations/exempt"),
    });
    const refused = await ask(server.url, "GET", "/api/v1/pods", { token: guest.token });
    expect(refused.status).toBe(403);
    expect(refused.headers).toMatchObject({
      "x-kubernetes-pf-flowschema-uid": await uidOf("flowschemas/global-default"),
      "x-kubernetes-pf-prioritylevel-uid": await uidOf("prioritylevelconfigurations/global-default"),
    });
    expect((await ask(server.url, "GET", "/api/v1/pods", { token: "wrong" })).headers).not.toHaveProperty(
      "x-kubernetes-pf-flowschema-uid",
    );
  });

  test("who asks too much is told to come back, others are answered", async () => {
    await ask(server.url, "POST", `${api}/prioritylevelconfigurations`, {
      body: {
        metadata: { name: "narrow" },
        spec: {
          type: "Limited",
          limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: "Reject" } },
        },
      },
    });
    await ask(server.url, "POST", `${api}/flowschemas`, {
      body: {
        metadata: { name: "narrow" },
        spec: {
          priorityLevelConfiguration: { name: "narrow" },
          matchingPrecedence: 50,
          rules: [
            {
              subjects: [{ kind: "User", user: { name: guest.user } }],
              nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/version"] }],
            },
          ],
        },
      },
    });
    const refused = await ask(server.url, "GET", "/version", { token: guest.token });
    expect(refused).toMatchObject({
      status: 429,
      text: "Too many requests, please try again later.\n",
      headers: { "retry-after": "1", "x-kubernetes-pf-flowschema-uid": await uidOf("flowschemas/narrow") },
    });
    expect(await ask(server.url, "GET", "/version")).toMatchObject({ status: 200 });
    expect(await ask(server.url, "GET", "/livez", { token: guest.token })).toMatchObject({ status: 200 });
  });

  test("what every cluster has comes back; what an administrator took over stays as it is", async () => {
    await ask(server.url, "DELETE", `${api}/flowschemas/probes`);
    await ask(server.url, "PATCH", `${api}/flowschemas/service-accounts`, {
      type: mergePatch,
      body: {
        metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": "false" } },
        spec: { matchingPrecedence: 8999 },
      },
    });
    await ask(server.url, "PATCH", `${api}/flowschemas/global-default`, {
      type: mergePatch,
      body: { spec: { matchingPrecedence: 9899 } },
    });
    const precedenceOf = async (name: string): Promise<number | undefined> =>
      JSON.parse((await ask(server.url, "GET", `${api}/flowschemas/${name}`)).text).spec?.matchingPrecedence;
    expect(await precedenceOf("probes")).toBeUndefined();
    await clock.advance(60_000);
    await vi.waitFor(async () => {
      expect(await precedenceOf("probes")).toBe(2);
      expect(await precedenceOf("global-default")).toBe(9900);
    });
    expect(await precedenceOf("service-accounts")).toBe(8999);
  });
});
