import { describe, expect, test } from "vitest";
import type { Secret, ServiceAccount } from "../../api/schema/types.ts";
import { base64, decide } from "./decide.ts";

const account: ServiceAccount = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "robot", namespace: "ns", uid: "u1" },
};
const aSecret = (annotations: Record<string, string>, data?: Record<string, string>, type?: string): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  type: type ?? "kubernetes.io/service-account-token",
  metadata: { name: "robot-token", namespace: "ns", annotations },
  ...(data && { data }),
});
const named = { "kubernetes.io/service-account.name": "robot" };
const bound = { ...named, "kubernetes.io/service-account.uid": "u1" };
const full = { "ca.crt": base64("CA"), namespace: base64("ns"), token: base64("t") };

describe("serviceaccount-token decide()", () => {
  test("fills a new one and says whose it is", () => {
    expect(decide(aSecret(named), account, "CA")).toMatchObject({
      do: "fill",
      needsToken: true,
      secret: { metadata: { annotations: bound }, data: { "ca.crt": base64("CA"), namespace: base64("ns") } },
    });
  });

  test.each<[what: string, secret: Secret, of: ServiceAccount | undefined, does: string]>([
    ["leaves a full one alone", aSecret(bound, full), account, "nothing"],
    ["leaves Secrets of other types alone", aSecret(named, {}, "Opaque"), undefined, "nothing"],
    ["deletes one whose account is gone", aSecret(bound, full), undefined, "delete"],
    [
      "deletes one of an earlier account of the name",
      aSecret({ ...named, "kubernetes.io/service-account.uid": "u0" }, full),
      account,
      "delete",
    ],
    ["renews the certificate authority", aSecret(bound, { ...full, "ca.crt": base64("old") }), account, "fill"],
  ])("%s", (_, secret, of, does) => {
    expect(decide(secret, of, "CA").do).toBe(does);
  });

  test("keeps the token that is there", () => {
    const decision = decide(aSecret(bound, { ...full, "ca.crt": "" }), account, "CA");
    expect(decision).toMatchObject({ needsToken: false, secret: { data: { token: base64("t") } } });
  });
});
