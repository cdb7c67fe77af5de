import { expect, test } from "vitest";
import type { Secret, ServiceAccount } from "../../api/schema/types.ts";
import { type Decision, decide, invalidSinceLabel, lastUsedLabel, type Observed } from "./decide.ts";

const dayMs = 24 * 60 * 60 * 1000;
const account: ServiceAccount = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "robot" },
  secrets: [{ name: "robot-token" }],
};
const aToken = (labels: Record<string, string> = {}, created = "2025-01-01T00:00:00Z"): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "robot-token", labels, creationTimestamp: created },
});
const unused: Observed = {
  secret: aToken(),
  account,
  isMounted: false,
  trackedSince: "2025-01-01",
  nowMs: Date.parse("2026-06-01T12:00:00Z"),
  unusedMs: 365 * dayMs,
};

test.each<[what: string, change: Partial<Observed>, decision: Decision]>([
  ["that was never used is marked", {}, { invalidSince: "2026-06-01" }],
  [
    "that was last used long ago is marked",
    { secret: aToken({ [lastUsedLabel]: "2025-05-31" }) },
    { invalidSince: "2026-06-01" },
  ],
  ["that was used stays", { secret: aToken({ [lastUsedLabel]: "2026-05-01" }) }, "look again"],
  ["with a use that cannot be read stays for good", { secret: aToken({ [lastUsedLabel]: "yesterday" }) }, "nothing"],
  ["that is young stays", { secret: aToken({}, "2026-05-01T00:00:00Z") }, "look again"],
  ["that a pod mounts stays", { isMounted: true }, "look again"],
  ["stays while uses are not noted for long enough", { trackedSince: "2025-06-01" }, "look again"],
  ["stays while nobody knows since when uses are noted", { trackedSince: undefined }, "look again"],
  ["that is marked waits as long again", { secret: aToken({ [invalidSinceLabel]: "2025-06-01" }) }, "look again"],
  ["that was marked long ago goes", { secret: aToken({ [invalidSinceLabel]: "2025-05-31" }) }, "delete"],
  ["that was made by hand stays", { account: { ...account, secrets: [] } }, "nothing"],
  ["of nobody is not for this controller", { account: undefined }, "nothing"],
])("a token %s", (_, change, decision) => {
  expect(decide({ ...unused, ...change })).toEqual(decision);
});
