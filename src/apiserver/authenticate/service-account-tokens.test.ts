import { generateKeyPairSync } from "node:crypto";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { openStore } from "../../store/open.ts";
import { BadToken, podTokenSeconds, ServiceAccountTokens, type TokenRequest } from "./service-account-tokens.ts";

const hour = 60 * 60 * 1000;

test("a token ends after its life, and a clock that is set meanwhile makes that neither shorter nor much longer", async () => {
  let [nowMs, elapsedMs] = [Date.UTC(1996, 0, 1), 0];
  const pass = (ms: number) => {
    nowMs += ms;
    elapsedMs += ms;
  };
  const clock = { now: () => nowMs, elapsed: () => elapsedMs, after: () => ({ [Symbol.dispose]() {} }) };
  const store = await openStore({ kind: "memory" }, { clock, log: noLog });
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: "default", name: "a", uid: "u" } };
  const value = () => Buffer.from(JSON.stringify(account));
  await store.put("/serviceaccounts/default/a", { expected: "absent", value });
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const tokens = await ServiceAccountTokens.open({
    store,
    clock,
    issuer: "https://issuer",
    audiences: ["api"],
    signingKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    verifyingKeys: [],
  });
  const issue = async () =>
    (
      await tokens.issue({
        namespace: "default",
        account: { name: "a", uid: "u" },
        audiences: ["api"],
        expirationSeconds: 3600,
      })
    ).token;
  const user = async (token: string) => (await tokens.verify(token, ["api"]))?.user.name;
  const name = "system:serviceaccount:default:a";

  const old = await issue();
  expect(await user(old)).toBe(name);
  nowMs = Date.UTC(2026, 0, 1); // now the time is known
  expect(await user(old)).toBe(name);
  pass(hour / 2);
  const young = await issue();
  nowMs -= 2 * hour; // set back behind the beginning of the young one
  expect([await user(old), await user(young)]).toEqual([name, name]);
  pass(hour / 2);
  await expect(user(old)).rejects.toThrow(BadToken);
  expect(await user(young)).toBe(name);
});

test.each<[what: string, request: Partial<TokenRequest>, lasts: number, warned: boolean]>([
  ["the token that every pod has", {}, 365 * 24 * 3600, true],
  ["one for somebody else", { audiences: ["vault"] }, podTokenSeconds, false],
  ["one of another length", { expirationSeconds: 7200 }, 7200, false],
  ["one of no pod", { bound: undefined }, podTokenSeconds, false],
])("%s lasts as Kubernetes' does", async (_, request, lasts, warned) => {
  const nowMs = Date.UTC(2026, 0, 1);
  const clock = { now: () => nowMs, elapsed: () => 0, after: () => ({ [Symbol.dispose]() {} }) };
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const tokens = await ServiceAccountTokens.open({
    store: await openStore({ kind: "memory" }, { clock, log: noLog }),
    clock,
    issuer: "https://issuer",
    audiences: ["api"],
    signingKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    verifyingKeys: [],
  });
  const account = { name: "a", uid: "u" };
  const bound = { kind: "Pod", name: "p", uid: "v" } as const;
  const asked = { namespace: "default", account, audiences: ["api"], expirationSeconds: podTokenSeconds, bound };
  const { token, expiresMs } = await tokens.issue({ ...asked, ...request });
  const { exp, "kubernetes.io": claims } = decodeJwt<{ "kubernetes.io": { warnafter?: number } }>(token);
  const renewedBy = nowMs / 1000 + (request.expirationSeconds ?? podTokenSeconds);
  expect([exp, expiresMs / 1000]).toEqual([nowMs / 1000 + lasts, renewedBy]);
  expect(claims?.warnafter).toBe(warned ? renewedBy : undefined);
});
