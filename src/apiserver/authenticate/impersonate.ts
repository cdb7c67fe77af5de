import { badRequest, type StatusError } from "../../api/status.ts";
import { type Attributes, type Authorizer, attributesOf, refusal } from "../authorize/attributes.ts";
import type { Incoming } from "../http/exchange.ts";
import type { RequestInfo } from "../http/request-info.ts";
import { anonymousUser, type UserInfo } from "../user.ts";
import { authenticatedGroup } from "./authenticator.ts";

const impersonation = /^impersonate-/i;
const extraPrefix = "impersonate-extra-";
const accountName = /^system:serviceaccount:([^:]+):([^:]+)$/;

const authentication = "authentication.k8s.io";
const nodeName = /^system:node:(.+)$/;

/** Who a user wants to be. */
interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: readonly (readonly [key: string, values: readonly string[]])[];
  /** The namespace and name of a service account. */
  readonly account: { readonly namespace: string; readonly name: string } | undefined;
}

/**
 * Who a request is to be made as: the user itself, or another one that its headers name, if it may be that one for this
 * request, or be it altogether (Kubernetes docs, "User impersonation" and "Constrained impersonation").
 * @throws {StatusError} Forbidden, BadRequest
 */
export function impersonated(incoming: Incoming, user: UserInfo, authorizer: Authorizer, info: RequestInfo): UserInfo {
  // Every request comes by here, and nearly none names anybody.
  if (!incoming.rawHeaders.some((text) => impersonation.test(text))) return user;
  const wanted = wantedBy(incoming);
  if (!wanted) return user;
  const refusalOf = (attributes: Attributes): StatusError | undefined => {
    const { allowed, reason } = authorizer.decide(attributes);
    return allowed ? undefined : refusal(attributes, reason);
  };
  const refused = firstOf(constrainedRights(user, wanted, info), refusalOf);
  if (refused && firstOf(plainRights(user, wanted), refusalOf)) throw refused;
  const { name, uid, groups, account, extra } = wanted;
  return { name, uid, groups: groupsOf(name, groups, account), extra: Object.fromEntries(extra) };
}

function wantedBy({ headers }: Incoming): Wanted | undefined {
  const name = textOf(headers["impersonate-user"]);
  const groups = listOf(headers["impersonate-group"]);
  const uid = textOf(headers["impersonate-uid"]);
  const extra = extrasOf(headers);
  if (!name && groups.length === 0 && !uid && extra.length === 0) return undefined;
  if (!name) {
    const goGroups = groups.map((group) => JSON.stringify(group)).join(", ");
    throw badRequest(
      `requested &user.DefaultInfo{Name:"", UID:${JSON.stringify(uid)}, Groups:[]string{${goGroups}}, Extra:map[string][]string(nil)} without impersonating a user name`,
    );
  }
  const [, namespace, account] = accountName.exec(name) ?? [];
  return { name, uid, groups, extra, account: namespace && account ? { namespace, name: account } : undefined };
}

function firstOf<T>(all: readonly Attributes[], found: (attributes: Attributes) => T | undefined): T | undefined {
  for (const attributes of all) {
    const value = found(attributes);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The right to do this as somebody of that sort, and to be this one. */
function constrainedRights(user: UserInfo, wanted: Wanted, info: RequestInfo): Attributes[] {
  const { name, account } = wanted;
  const node = nodeName.exec(name)?.[1];
  const mode = account ? "serviceaccount" : node ? "arbitrary-node" : "user-info";
  const verb = `impersonate:${mode}`;
  const asked = { user, verb, group: authentication };
  const self = account
    ? right({ ...asked, resource: "serviceaccounts", ...account })
    : right({ ...asked, resource: node ? "nodes" : "users", name: node ?? name });
  const doing = attributesOf(user, { ...info, verb: `impersonate-on:${mode}:${info.verb}` });
  return [doing, self, ...otherRights(user, wanted, verb, authentication)];
}

/** The right to be somebody, whatever is done then. */
function plainRights(user: UserInfo, wanted: Wanted): Attributes[] {
  const { name, account } = wanted;
  const verb = "impersonate";
  const self = account
    ? right({ user, verb, resource: "serviceaccounts", ...account })
    : right({ user, verb, resource: "users", name });
  return [self, ...otherRights(user, wanted, verb, "")];
}

function otherRights(user: UserInfo, { groups, uid, extra }: Wanted, verb: string, group: string): Attributes[] {
  return [
    ...groups.map((name) => right({ user, verb, group, resource: "groups", name })),
    ...(uid ? [right({ user, verb, group: authentication, resource: "uids", name: uid })] : []),
    ...extra.flatMap(([subresource, values]) =>
      values.map((name) => right({ user, verb, group: authentication, resource: "userextras", subresource, name })),
    ),
  ];
}

function right(asked: Pick<Attributes, "user" | "verb" | "resource" | "name"> & Partial<Attributes>): Attributes {
  return { isResource: true, group: "", subresource: "", namespace: "", path: "", ...asked };
}

function groupsOf(name: string, asked: readonly string[], account: Wanted["account"]): string[] {
  const groups =
    asked.length === 0 && account
      ? ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`]
      : [...asked];
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
  const extras: [string, string[]][] = [];
  for (const name in headers) {
    if (name.startsWith(extraPrefix))
      extras.push([decodeURIComponent(name.slice(extraPrefix.length)), listOf(headers[name])]);
  }
  return extras;
}
