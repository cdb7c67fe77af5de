import https from "node:https";
import { expect, test, vi } from "vitest";
import { configMap } from "../../src/api/kinds/core/config-map.ts";
import { secret } from "../../src/api/kinds/core/secret.ts";
import { serviceAccount } from "../../src/api/kinds/core/service-account.ts";
import { accountUser } from "../../src/app/part-users.ts";
import { constant } from "../../src/base/changing.ts";
import { systemClock as clock } from "../../src/base/clock.ts";
import { noLog as log } from "../../src/base/log.ts";
import { openClient } from "../../src/client/client.ts";
import { openInformers } from "../../src/client/open-informers.ts";
import { runControllers, runServerLoops } from "../../src/controllers/run.ts";
import { startApiServer } from "../support/api-server.ts";

test("uses of tokens in Secrets are noted; one that is marked is worth nothing", async () => {
  await using server = await startApiServer();
  const client = openClient(server.transportFor(accountUser("system:apiserver")), { fieldManager: "test" });
  await using informers = openInformers(client, { clock, log });
  const clientFor = (account: string) => openClient(server.transportFor(accountUser(account)), { fieldManager: "c" });
  const { makeAccountToken } = server;
  const options = { clusterCidrs: ["10.42.0.0/16"], rootCa: constant("the certificate"), makeAccountToken };
  using _loops = await runServerLoops({ clientFor, informers, clock, log, nodePorts: { from: 30_000, to: 32_767 } });
  using _controllers = await runControllers({ clientFor, informers, clock, log, options });
  // Of the day before or of today, should the day end meanwhile.
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const began = clock.now();
  const today = expect.toSatisfy((day) => day === dayOf(began) || day === dayOf(clock.now()));
  const at = { namespace: "default", name: "robot-token" };
  const answerFor = (token: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const url = `${server.url}/apis/authentication.k8s.io`;
      https
        .get(url, { rejectUnauthorized: false, headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        })
        .on("error", reject);
    });

  await client.create(serviceAccount, { metadata: { namespace: "default", name: "robot" } });
  await client.create(secret, {
    metadata: { ...at, annotations: { "kubernetes.io/service-account.name": "robot" } },
    type: "kubernetes.io/service-account-token",
  });
  const token = await vi.waitFor(async () => {
    const { data = {} } = await client.get(secret, at);
    expect(data.token).toBeDefined();
    return Buffer.from(data.token ?? "", "base64").toString();
  });
  expect(await answerFor(token)).toBe(200);
  await vi.waitFor(async () =>
    expect((await client.get(secret, at)).metadata.labels).toEqual({ "kubernetes.io/legacy-token-last-used": today }),
  );

  const labels = { "kubernetes.io/legacy-token-invalid-since": dayOf(began) };
  await client.patch(secret, at, { type: "merge", document: { metadata: { labels } } });
  expect(await answerFor(token)).toBe(401);

  const name = "kube-apiserver-legacy-service-account-token-tracking";
  await vi.waitFor(async () =>
    expect((await client.get(configMap, { namespace: "kube-system", name })).data).toEqual({ since: today }),
  );
});
