import { describe, expect, test } from "vitest";
import type { Attributes, Authorizer } from "../authorize/attributes.ts";
import type { Incoming } from "../http/exchange.ts";
import { requestInfo } from "../http/request-info.ts";
import type { UserInfo } from "../user.ts";
import { impersonated } from "./impersonate.ts";

const alice: UserInfo = { name: "alice", uid: "", groups: [], extra: {} };
const info = requestInfo("GET", "/api/v1/namespaces/ns/pods", { watching: false, onlyName: undefined });

/** Grants rights that are written "verb resource.group/name". */
function granting(...rights: string[]): Authorizer {
  const text = ({ verb, resource, group, name }: Attributes): string =>
    `${verb} ${resource}${group && `.${group}`}${name && `/${name}`}`;
  return { decide: (asked) => ({ allowed: rights.includes(text(asked)), reason: "" }) };
}

function as(headers: Record<string, string>, ...rights: string[]): UserInfo {
  const rawHeaders = Object.entries(headers).flat();
  return impersonated({ headers, rawHeaders } as unknown as Incoming, alice, granting(...rights), info);
}

const asBob = { "impersonate-user": "bob" };

test("who names nobody stays who they are", () => {
  expect(as({})).toBe(alice);
});

describe("somebody else is who may be it", () => {
  test.each([
    [asBob, ["impersonate users/bob"]],
    [asBob, ["impersonate-on:user-info:list pods", "impersonate:user-info users.authentication.k8s.io/bob"]],
    [{ ...asBob, "impersonate-group": "dev" }, ["impersonate users/bob", "impersonate groups/dev"]],
    [{ "impersonate-user": "system:serviceaccount:ns:a" }, ["impersonate serviceaccounts/a"]],
    [
      { "impersonate-user": "system:serviceaccount:ns:a" },
      ["impersonate-on:serviceaccount:list pods", "impersonate:serviceaccount serviceaccounts.authentication.k8s.io/a"],
    ],
    [
      { "impersonate-user": "system:node:n" },
      ["impersonate-on:arbitrary-node:list pods", "impersonate:arbitrary-node nodes.authentication.k8s.io/n"],
    ],
  ])("%j with %j", (headers, rights) => {
    expect(as(headers, ...rights).name).toBe(headers["impersonate-user"]);
  });
});

test.each([
  [
    ["impersonate:user-info users.authentication.k8s.io/bob"],
    'pods is forbidden: User "alice" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "ns"',
  ],
  [
    ["impersonate-on:user-info:list pods"],
    'users.authentication.k8s.io "bob" is forbidden: User "alice" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope',
  ],
])("with %j alone it is refused", (rights, why) => {
  expect(() => as(asBob, ...rights)).toThrow(why);
});
