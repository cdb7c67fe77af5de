import { describe, expect, test } from "vitest";
import type { ConfigMap, Secret } from "../../api/schema/types.ts";
import { decideSignatures, expiresAtMs } from "./decide.ts";

const now = Date.parse("2030-01-01T00:00:00Z");
const aToken = (id: string, fields: Record<string, string> = {}): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  type: "bootstrap.kubernetes.io/token",
  metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" },
  data: Object.fromEntries(
    Object.entries({
      "token-id": id,
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-signing": "true",
      ...fields,
    }).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
  ),
});
const anInfo = (data: Record<string, string>): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "cluster-info", namespace: "kube-public" },
  data: { kubeconfig: "apiVersion: v1\nkind: Config\n", ...data },
});
// Made by kube-controller-manager for this text, this token.
const known = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9..izXnHpTVwI5ymXSs_HpQOFsjrXZPgkTlyxLFftVNqd4";

describe("the signatures of cluster-info", () => {
  test.each<[name: string, data: Record<string, string>, tokens: Secret[], keys: string[] | undefined]>([
    ["one for each token that signs", {}, [aToken("aaaaaa"), aToken("bbbbbb")], ["aaaaaa", "bbbbbb"]],
    ["none for tokens that do not", {}, [aToken("aaaaaa", { "usage-bootstrap-signing": "false" })], undefined],
    ["none for tokens that have ended", {}, [aToken("aaaaaa", { expiration: "2029-01-01T00:00:00Z" })], undefined],
    ["none for tokens under a wrong name", {}, [{ ...aToken("aaaaaa"), metadata: { name: "other" } }], undefined],
    ["those of tokens that are gone are taken away", { "jws-kubeconfig-aaaaaa": known }, [], []],
    ["nothing to do when they are right", { "jws-kubeconfig-aaaaaa": known }, [aToken("aaaaaa")], undefined],
  ])("%s", (_, data, tokens, keys) => {
    const decided = decideSignatures(anInfo(data), tokens, now);
    const wanted = keys && ["kubeconfig", ...keys.map((id) => `jws-kubeconfig-${id}`)];
    expect(decided && Object.keys(decided)).toEqual(wanted);
  });

  test("are those that kubeadm and kubelets check", () => {
    expect(decideSignatures(anInfo({}), [aToken("aaaaaa")], now)?.["jws-kubeconfig-aaaaaa"]).toBe(known);
  });
});

test.each([
  ["2030-01-01T00:00:00Z", now],
  ["", undefined],
])("a token with the expiration %j ends at %j", (expiration, atMs) => {
  expect(expiresAtMs(aToken("aaaaaa", { expiration }))).toBe(atMs);
});
