import { describe, expect, test } from "vitest";
import { covers } from "./covers.ts";
import { allows, type PolicyRule } from "./rbac.ts";

const asked = { isResource: true, group: "", resource: "pods", subresource: "", namespace: "a", name: "p", path: "" };

describe("a rule of a role", () => {
  test.each<[rule: PolicyRule, verb: string, subresource: string, allowed: boolean]>([
    [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }, "get", "", true],
    [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }, "get", "log", false],
    [{ verbs: ["get"], apiGroups: [""], resources: ["pods/log"] }, "get", "log", true],
    [{ verbs: ["get"], apiGroups: [""], resources: ["*/log"] }, "get", "log", true],
    [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }, "delete", "exec", true],
    [{ verbs: ["get"], apiGroups: ["apps"], resources: ["pods"] }, "get", "", false],
    [{ verbs: ["get"], apiGroups: [""], resources: ["pods"], resourceNames: ["q"] }, "get", "", false],
  ])("%j on %s %s: %s", (rule, verb, subresource, allowed) => {
    expect(allows(rule, { ...asked, verb, subresource })).toBe(allowed);
  });
});

describe("rules that are handed on", () => {
  const owned: PolicyRule[] = [
    { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] },
    { verbs: ["get"], apiGroups: [""], resources: ["secrets"], resourceNames: ["one"] },
    { verbs: ["get"], nonResourceURLs: ["/healthz/*"] },
  ];
  test.each<[wanted: PolicyRule, covered: boolean]>([
    [{ verbs: ["list"], apiGroups: [""], resources: ["pods"] }, true],
    [{ verbs: ["list", "watch"], apiGroups: [""], resources: ["pods"] }, false],
    [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"], resourceNames: ["one"] }, true],
    [{ verbs: ["get"], apiGroups: [""], resources: ["secrets"] }, false],
    [{ verbs: ["get"], nonResourceURLs: ["/healthz/ping"] }, true],
    [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }, false],
  ])("%j: %s", (wanted, covered) => {
    expect(covers(owned, wanted)).toBe(covered);
  });
});
