import { expect, test } from "vitest";
import type { ClusterRole, PolicyRule } from "../../api/schema/types.ts";
import { aggregatedRules } from "./decide.ts";

const aRole = (name: string, labels: Record<string, string>, rules: PolicyRule[]): ClusterRole => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name, labels },
  rules,
});
const read = (resource: string): PolicyRule => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
const sum: ClusterRole = {
  ...aRole("sum", { into: "sum" }, [read("old")]),
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { into: "sum" } }, { matchLabels: { also: "yes" } }] },
};

test("an aggregated role has the rules of those it selects, selector by selector, each once, and none of its own", () => {
  const roles = [
    sum,
    aRole("b", { into: "sum" }, [read("pods"), read("nodes")]),
    aRole("a", { also: "yes" }, [read("nodes"), read("events")]),
    aRole("c", {}, [read("secrets")]),
  ];
  expect(aggregatedRules(sum, roles)).toEqual([read("pods"), read("nodes"), read("events")]);
  expect(aggregatedRules(sum, [sum])).toEqual([]);
  const without = { ...aRole("d", { into: "sum" }, []), rules: null } as unknown as ClusterRole;
  expect(aggregatedRules(sum, [sum, without])).toEqual([]);
});
