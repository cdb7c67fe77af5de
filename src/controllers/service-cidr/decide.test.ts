import { describe, expect, test } from "vitest";
import type { IPAddress, ServiceCIDR } from "../../api/schema/types.ts";
import { decide, finalizer, type Observed } from "./decide.ts";

const deletedAt = "2026-01-01T00:00:00Z";
const deletedMs = Date.parse(deletedAt);
const ready = { type: "Ready", status: "True", reason: "", message: "Kubernetes Service CIDR is ready" };

function aCidr(name: string, cidrs: string[], { leaving = false, held = true, said = true } = {}): ServiceCIDR {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: {
      name,
      ...(held && { finalizers: [finalizer] }),
      ...(leaving && { deletionTimestamp: deletedAt }),
    },
    spec: { cidrs },
    ...(said && { status: { conditions: [{ ...ready, lastTransitionTime: deletedAt }] } }),
  };
}
function anAddress(name: string, labels = { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" }): IPAddress {
  const parentRef = { resource: "services", namespace: "default", name: "web" };
  return { apiVersion: "networking.k8s.io/v1", kind: "IPAddress", metadata: { name, labels }, spec: { parentRef } };
}

const leaving = aCidr("second", ["10.99.0.0/24"], { leaving: true });
const first = aCidr("kubernetes", ["10.43.0.0/16"]);
const gone: Observed = { cidr: leaving, cidrs: [leaving, first], addresses: [], nowMs: deletedMs + 10_000 };
const stays = { ready: expect.objectContaining({ status: "False", reason: "Terminating" }) };
const goes = { finalizers: [] };

describe("service-cidr decide()", () => {
  test("holds a new range and says that it is ready", () => {
    const cidr = aCidr("new", ["10.99.0.0/24"], { held: false, said: false });
    expect(decide({ ...gone, cidr })).toEqual({
      finalizers: [finalizer],
      ready: { status: "True", reason: "", message: ready.message },
    });
  });

  test.each<[what: string, observed: Partial<Observed>, decision: object]>([
    ["leaves a range alone that is held and ready", { cidr: first }, {}],
    ["lets an unused range go", {}, goes],
    ["waits until nobody takes addresses of it any more", { nowMs: deletedMs + 4000 }, { againMs: 6000 }],
    ["keeps a range while an address lies in it", { addresses: [anAddress("10.99.0.7")] }, stays],
    ["does not mind addresses of others", { addresses: [anAddress("10.43.0.7")] }, goes],
    [
      "does not mind addresses that somebody else wrote down",
      { addresses: [anAddress("10.99.0.7", { "ipaddress.kubernetes.io/managed-by": "example.com" })] },
      goes,
    ],
    [
      "lets a range go that a larger one covers",
      { cidrs: [leaving, aCidr("large", ["10.99.0.0/16"])], addresses: [anAddress("10.99.0.7")] },
      goes,
    ],
    [
      "lets a range go whose addresses all lie in smaller ones",
      { cidrs: [leaving, aCidr("small", ["10.99.0.0/28"])], addresses: [anAddress("10.99.0.7")] },
      goes,
    ],
    [
      "a range that leaves too covers nothing",
      { cidrs: [leaving, aCidr("large", ["10.99.0.0/16"], { leaving: true })], addresses: [anAddress("10.99.0.7")] },
      stays,
    ],
    [
      "leaves a range to others that they hold",
      { cidr: aCidr("second", ["10.99.0.0/24"], { leaving: true, held: false }) },
      {},
    ],
  ])("%s", (_, observed, decision) => {
    expect(decide({ ...gone, ...observed })).toEqual(decision);
  });
});
