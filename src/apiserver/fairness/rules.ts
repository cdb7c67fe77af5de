import type {
  FlowcontrolV1Subject,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from "../../api/schema/types.ts";
import type { RequestInfo } from "../http/request-info.ts";
import type { UserInfo } from "../user.ts";

/*
 * What a flow schema is about (API reference, "PolicyRulesWithSubjects"). Whose requests, and which: the first is asked once
 * for a user, the second for every request.
 */

export function isAbout({ name, groups }: UserInfo, subjects: readonly FlowcontrolV1Subject[]): boolean {
  return subjects.some(({ user, group, serviceAccount }) => {
    if (user) return user.name === "*" || user.name === name;
    if (group) return group.name === "*" || groups.includes(group.name);
    if (!serviceAccount) return false;
    const account = `system:serviceaccount:${serviceAccount.namespace}:`;
    return serviceAccount.name === "*" ? name.startsWith(account) : name === account + serviceAccount.name;
  });
}

export function covers({ resourceRules, nonResourceRules }: PolicyRulesWithSubjects, info: RequestInfo): boolean {
  return info.isResource
    ? (resourceRules ?? []).some((rule) => coversResource(rule, info))
    : (nonResourceRules ?? []).some((rule) => coversPath(rule, info));
}

function coversResource(rule: ResourcePolicyRule, info: RequestInfo): boolean {
  const resource = info.subresource ? `${info.resource}/${info.subresource}` : info.resource;
  if (!holds(rule.verbs, info.verb) || !holds(rule.resources, resource) || !holds(rule.apiGroups, info.group))
    return false;
  return info.namespace === "" ? rule.clusterScope === true : holds(rule.namespaces ?? [], info.namespace);
}

function coversPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, { verb, path }: RequestInfo): boolean {
  return holds(verbs, verb) && nonResourceURLs.some((url) => url === "*" || url === path || isBelow(url, path));
}

/** Below "/a" and "/a/*" is whatever follows "/a/". */
function isBelow(url: string, path: string): boolean {
  const place = url.endsWith("*") ? url.slice(0, -1) : url;
  return path.startsWith(place.endsWith("/") ? place : `${place}/`);
}

function holds(list: readonly string[], wanted: string): boolean {
  return list[0] === "*" || list.includes(wanted);
}
