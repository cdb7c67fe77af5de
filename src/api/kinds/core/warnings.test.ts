import { expect, test } from "vitest";
import type { Kind } from "../../kind.ts";
import { networkPolicy } from "../networking/network-policy.ts";
import { sent } from "../testing/judge.ts";
import { endpoints } from "./endpoints.ts";
import { serviceAccount } from "./service-account.ts";

const dns = '"2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")';
const net = '"2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32")';
const mountable = { annotations: { "kubernetes.io/enforce-mountable-secrets": "true" } };
const block = { ipBlock: { cidr: "2001:DB8::/32" } };

test.each<[what: string, kind: Kind, fields: object, metadata: object, warnings: string[]]>([
  [
    "addresses of Endpoints",
    endpoints,
    { subsets: [{ notReadyAddresses: [{ ip: "2001:DB8::1" }] }] },
    {},
    [`subsets[0].notReadyAddresses[0].ip: IPv6 address ${dns}`],
  ],
  [
    "but not the controller's",
    endpoints,
    { subsets: [{ addresses: [{ ip: "2001:DB8::1" }] }] },
    { labels: { "endpoints.kubernetes.io/managed-by": "endpoint-controller" } },
    [],
  ],
  [
    "networks of policies",
    networkPolicy,
    { spec: { podSelector: {}, ingress: [{ from: [block] }], egress: [{ to: [{}, block] }] } },
    {},
    [
      `spec.ingress[0].from[0].ipBlock.cidr: IPv6 CIDR value ${net}`,
      `spec.egress[0].to[1].ipBlock.cidr: IPv6 CIDR value ${net}`,
    ],
  ],
  [
    "accounts that name their Secrets",
    serviceAccount,
    {},
    mountable,
    [
      "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets",
    ],
  ],
])("%s are warned of", (_, kind, fields, metadata, warnings) => {
  expect(kind.strategy.warnings?.(sent(kind, fields, metadata), undefined)).toEqual(warnings);
});

test("who has been warned of an account is not warned again", () => {
  const account = sent(serviceAccount, {}, mountable);
  expect(serviceAccount.strategy.warnings?.(account as never, account as never)).toEqual([]);
});
