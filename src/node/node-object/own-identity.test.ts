import { describe, expect, test } from "vitest";
import { OwnIdentity, type OwnIdentityOptions } from "./own-identity.ts";

const drivers = { labels: () => ({ rack: "driver", zone: "a" }), annotations: () => ({ ids: "{}" }) };
const identityOf = (over: Partial<OwnIdentityOptions> = {}) =>
  new OwnIdentity({ nodeName: "m1", nodeIps: ["192.0.2.1"], externalIps: ["203.0.113.1"], ...over }, drivers);
const provided = "alpha.kubernetes.io/provided-node-ip";

describe("who a node is", () => {
  test("by its addresses, also once it has others", () => {
    const identity = identityOf();
    expect(identity.moveTo(["192.0.2.1"])).toBe(false);
    expect(identity.moveTo(["192.0.2.2"])).toBe(true);
    expect(identity.addresses().map(({ type, address }) => `${type} ${address}`)).toEqual([
      "InternalIP 192.0.2.2",
      "ExternalIP 203.0.113.1",
      "Hostname m1",
    ]);
  });

  test("by its labels: the user's over its drivers'", () => {
    const identity = identityOf({ labels: { rack: "user" } });
    expect(identity.labels()).toEqual({ rack: "user", zone: "a" });
    identity.takeUp({ externalIps: [], labels: {} });
    expect([identity.labels(), identity.addresses()]).toEqual([
      { rack: "driver", zone: "a" },
      [
        { type: "InternalIP", address: "192.0.2.1" },
        { type: "Hostname", address: "m1" },
      ],
    ]);
  });

  test("waits for its cloud to say more where there is one", () => {
    const identity = identityOf({ externalCloud: true, annotations: { own: "1" } });
    expect(identity.taints.map(({ key }) => key)).toEqual(["node.cloudprovider.kubernetes.io/uninitialized"]);
    expect(identity.annotations()).toEqual({ own: "1", ids: "{}", [provided]: "192.0.2.1" });
    expect(identity.addresses().map(({ type }) => type)).toEqual(["InternalIP", "Hostname"]);
    expect(identityOf().annotations()[provided]).toBeUndefined();
  });
});
