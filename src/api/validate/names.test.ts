import { describe, expect, test } from "vitest";
import {
  asPrefix,
  configMapKey,
  dnsLabel,
  dnsLabel1035,
  dnsSubdomain,
  labelValue,
  pathSegment,
  portName,
  qualifiedDomain,
  qualifiedName,
  wildcardDnsSubdomain,
} from "./names.ts";

describe("names", () => {
  test.each([
    ["a label", dnsLabel, ["a", "a-1", "1-a"], ["", "A", "a.b", "-a", "a-", "a".repeat(64)]],
    ["a label that does not begin with a digit", dnsLabel1035, ["a", "a-1"], ["1a", "", "A"]],
    ["a subdomain", dnsSubdomain, ["a", "a.b-c.1"], ["", "a..b", ".a", "A.b", "a_b"]],
    ["a wildcard", wildcardDnsSubdomain, ["*.a.b"], ["*", "a.*.b", "*.A"]],
    ["a value of a label", labelValue, ["", "A_b.c-1"], ["-a", "a b", "a".repeat(64)]],
    ["a qualified name", qualifiedName, ["a", "A.b_c", "example.com/a"], ["", "/a", "a/", "A.com/a", "a/b/c", "a!"]],
    ["a qualified domain", qualifiedDomain, ["a.b.c"], ["a.b", "A.b.c"]],
    ["a part of a path", pathSegment, ["system:x", "Ä"], [".", "..", "a/b", "a%b"]],
    ["a key of a ConfigMap", configMapKey, ["a", ".a", "A_b-c.d"], ["", ".", "..", "..a", "a/b"]],
    ["a name of a port", portName, ["http", "p-80"], ["80", "-a", "a--b", "HTTP", "a".repeat(16)]],
    ["a beginning of a label", asPrefix(dnsLabel), ["a-", "a"], ["A-", "--"]],
  ])("%s is recognised", (_, rule, good, bad) => {
    expect(good.filter((text) => rule(text).length > 0)).toEqual([]);
    expect(bad.filter((text) => rule(text).length === 0)).toEqual([]);
  });

  test("what is wrong is said in Kubernetes' words", () => {
    expect(dnsLabel("A")).toEqual([
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]);
    expect(qualifiedName("")).toHaveLength(2);
    expect(qualifiedName("/")[0]).toBe("prefix part must be non-empty");
  });
});
