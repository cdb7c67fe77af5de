import { expect, test } from "vitest";
import ownObjects from "../../src/apiserver/system/own-objects.json" with { type: "json" };
import { constant } from "../../src/base/changing.ts";
import { componentOf } from "../../src/client/controller.ts";
import { chosenControllers } from "../../src/controllers/all.ts";

/** Kubernetes has a role for each of its controllers, bound to the service account of its name. */
const roles = new Set(
  ownObjects.map(({ kind, metadata }) => (["ClusterRole", "Role"].includes(kind) ? metadata.name : "")),
);

test("every controller acts as an account that Kubernetes has a role for", () => {
  const options = { clusterCidrs: ["10.42.0.0/16"], rootCa: constant(""), makeAccountToken: async () => "" };
  const accounts = chosenControllers(options).map((one) =>
    "start" in one ? one.account : (one.account ?? componentOf(one)),
  );
  const roleOf = (account: string) => (account.startsWith("system:") ? account : `system:controller:${account}`);
  expect(accounts.filter((account) => !roles.has(roleOf(account)))).toEqual([]);
});
