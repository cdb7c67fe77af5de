import { badRequest } from "../../api/status.ts";
import { type Attributes, type Authorizer, refusal } from "../authorize/attributes.ts";
import type { Incoming } from "../http/exchange.ts";
import { anonymousUser, type UserInfo } from "../user.ts";
import { authenticatedGroup } from "./authenticator.ts";

const extraPrefix = "impersonate-extra-";
const accountName = /^system:serviceaccount:([^:]+):([^:]+)$/;

/**
 * Who a request is to be made as: the user itself, or another one that its headers name, if it may
 * (Kubernetes docs, "User impersonation").
 * @throws {StatusError} Forbidden, BadRequest
 */
export function impersonated(incoming: Incoming, user: UserInfo, authorizer: Authorizer): UserInfo {
  const { headers } = incoming;
  const name = textOf(headers["impersonate-user"]);
  const groups = listOf(headers["impersonate-group"]);
  const uid = textOf(headers["impersonate-uid"]);
  const extra = extrasOf(headers);
  if (!name && groups.length === 0 && !uid && extra.length === 0) return user;
  if (!name) {
    const goGroups = groups.map((group) => JSON.stringify(group)).join(", ");
    throw badRequest(
      `requested &user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:[]string{${goGroups}}, Extra:map[string][]string(nil)} without impersonating a user name`,
    );
  }
  const account = accountName.exec(name);
  const may = (resource: string, subresource: string, asked: string, group = "", namespace = ""): void => {
    const attributes: Attributes = {
      user,
      verb: "impersonate",
      isResource: true,
      group,
      resource,
      subresource,
      namespace,
      name: asked,
      path: "",
    };
    const { allowed, reason } = authorizer.decide(attributes);
    if (!allowed) throw refusal(attributes, reason);
  };
  if (account) may("serviceaccounts", "", account[2] ?? "", "", account[1]);
  else may("users", "", name);
  for (const group of groups) may("groups", "", group);
  if (uid) may("uids", "", uid, "authentication.k8s.io");
  for (const [key, values] of extra) for (const value of values) may("userextras", key, value, "authentication.k8s.io");
  return { name, uid, groups: groupsOf(name, groups, account), extra: Object.fromEntries(extra) };
}

function groupsOf(name: string, asked: readonly string[], account: RegExpExecArray | null): string[] {
  const groups =
    asked.length === 0 && account ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : [...asked];
  if (name === anonymousUser.name) return [...groups, ...anonymousUser.groups];
  return groups.includes(authenticatedGroup) ? groups : [...groups, authenticatedGroup];
}

function textOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

function listOf(value: string | string[] | undefined): string[] {
  const values = Array.isArray(value) ? value : value === undefined ? [] : value.split(",");
  return values.map((group) => group.trim()).filter(Boolean);
}

function extrasOf(headers: Incoming["headers"]): [string, string[]][] {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith(extraPrefix))
    .map(([name, value]) => [decodeURIComponent(name.slice(extraPrefix.length)), listOf(value)]);
}
