import { describe, expect, test } from "vitest";
import { type Audited, auditPolicyFrom, wantedOf } from "./policy.ts";

const policy = (...rules: object[]) => auditPolicyFrom({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules });
const request: Audited = {
  user: "anna",
  groups: ["ops", "system:authenticated"],
  verb: "create",
  isResource: true,
  path: "/api/v1/namespaces/shop/pods/web/exec",
  group: "",
  resource: "pods",
  subresource: "exec",
  namespace: "shop",
  name: "web",
};
const page: Audited = {
  ...request,
  isResource: false,
  path: "/healthz/etcd",
  verb: "get",
  resource: "",
  subresource: "",
};

describe("an audit policy", () => {
  test.each<[what: string, rule: object, of: Audited, fits: boolean]>([
    ["everything", {}, request, true],
    ["a user", { users: ["anna"] }, request, true],
    ["another user", { users: ["otto"] }, request, false],
    ["a group", { userGroups: ["ops"] }, request, true],
    ["another verb", { verbs: ["get"] }, request, false],
    ["a namespace", { namespaces: ["shop"] }, request, true],
    ["another namespace", { namespaces: ["kube-system"] }, request, false],
    ["all of a group of resources", { resources: [{ group: "" }] }, request, true],
    ["another group", { resources: [{ group: "apps" }] }, request, false],
    ["a resource without its subresources", { resources: [{ group: "", resources: ["pods"] }] }, request, false],
    ["a subresource", { resources: [{ group: "", resources: ["pods/exec"] }] }, request, true],
    ["a subresource of all", { resources: [{ group: "", resources: ["*/exec"] }] }, request, true],
    ["all subresources of one", { resources: [{ group: "", resources: ["pods/*"] }] }, request, true],
    [
      "an object of another name",
      { resources: [{ group: "", resources: ["pods/exec"], resourceNames: ["db"] }] },
      request,
      false,
    ],
    ["a resource, asked for a page", { resources: [{ group: "" }] }, page, false],
    ["a page", { nonResourceURLs: ["/healthz*"] }, page, true],
    ["another page", { nonResourceURLs: ["/version"] }, page, false],
    ["a page, asked for a resource", { nonResourceURLs: ["*"] }, request, false],
  ])("names %s", (_, rule, of, fits) => {
    expect(wantedOf(policy({ level: "Metadata", ...rule }), of).level).toBe(fits ? "Metadata" : "None");
  });

  test("the first rule that fits decides; stages that are left out add up", () => {
    const rules = [
      { level: "None", users: ["otto"] },
      { level: "Request", omitStages: ["ResponseStarted"] },
    ];
    const both = auditPolicyFrom({
      apiVersion: "audit.k8s.io/v1",
      kind: "Policy",
      rules: [...rules, { level: "Metadata" }],
      omitStages: ["RequestReceived"],
    });
    expect(wantedOf(both, request)).toEqual({
      level: "Request",
      omitStages: new Set(["RequestReceived", "ResponseStarted"]),
      omitManagedFields: false,
    });
  });

  test.each<[document: unknown, says: RegExp]>([
    [{ kind: "Pod" }, /no Policy of audit.k8s.io\/v1, but Pod of undefined/],
    [{ apiVersion: "audit.k8s.io/v1", kind: "Policy" }, /it has no rules/],
    [
      { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "All" }] },
      /rules\[0\].level: "All" is none of/,
    ],
    [
      { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "None", omitStages: ["End"] }] },
      /rules\[0\].omitStages: "End" is none of/,
    ],
    [
      {
        apiVersion: "audit.k8s.io/v1",
        kind: "Policy",
        rules: [{ level: "None", namespaces: ["a"], nonResourceURLs: ["/"] }],
      },
      /about resources or about other URLs, not both/,
    ],
  ])("%j is refused", (document, says) => {
    expect(() => auditPolicyFrom(document)).toThrow(says);
  });
});
