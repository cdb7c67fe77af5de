import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { noLog } from "../../base/log.ts";
import { openStore } from "../../store/open.ts";
import { BadToken, ServiceAccountTokens } from "./service-account-tokens.ts";

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
