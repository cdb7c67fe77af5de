/** What is recorded of which requests (API reference, "audit.k8s.io/v1 Policy"). */
export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

interface AuditRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type Level = (typeof levels)[number];
export const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Stage = (typeof stages)[number];

/** Why a document is no policy; stands behind the file's name. */
export class BadPolicy extends Error {
  override readonly name = "BadPolicy";
}

/** @throws {BadPolicy} */
export function auditPolicyFrom(document: unknown): AuditPolicy {
  const { apiVersion, kind, rules, omitStages, omitManagedFields } = fieldsOf(document);
  if (apiVersion !== "audit.k8s.io/v1" || kind !== "Policy")
    throw new BadPolicy(`it is no Policy of audit.k8s.io/v1, but ${String(kind)} of ${String(apiVersion)}`);
  if (!Array.isArray(rules) || rules.length === 0)
    throw new BadPolicy("it has no rules: a policy without rules records nothing");
  return {
    rules: rules.map((rule, i) => ruleFrom(rule, `rules[${i}]`)),
    omitStages: stagesFrom(omitStages, "omitStages"),
    omitManagedFields: omitManagedFields === true,
  };
}

function ruleFrom(value: unknown, at: string): AuditRule {
  const rule = fieldsOf(value);
  const texts = (name: string): string[] => textsFrom(rule[name], `${at}.${name}`);
  if (!levels.includes(rule.level as Level))
    throw new BadPolicy(`${at}.level: ${JSON.stringify(rule.level)} is none of ${levels.join(", ")}`);
  const [namespaces, nonResourceURLs] = [texts("namespaces"), texts("nonResourceURLs")];
  const resources = listOf(rule.resources, `${at}.resources`).map((item, i) => {
    const { group = "", ...rest } = fieldsOf(item);
    const inside = `${at}.resources[${i}]`;
    return {
      group: String(group),
      resources: textsFrom(rest.resources, `${inside}.resources`),
      resourceNames: textsFrom(rest.resourceNames, `${inside}.resourceNames`),
    };
  });
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0))
    throw new BadPolicy(`${at}.nonResourceURLs: a rule is about resources or about other URLs, not both`);
  return {
    level: rule.level as Level,
    users: texts("users"),
    userGroups: texts("userGroups"),
    verbs: texts("verbs"),
    namespaces,
    nonResourceURLs,
    resources,
    omitStages: stagesFrom(rule.omitStages, `${at}.omitStages`),
    ...(typeof rule.omitManagedFields === "boolean" && { omitManagedFields: rule.omitManagedFields }),
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function listOf(value: unknown, at: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new BadPolicy(`${at}: it must be a list`);
  return value;
}

function textsFrom(value: unknown, at: string): string[] {
  return listOf(value, at).map((item) => {
    if (typeof item !== "string") throw new BadPolicy(`${at}: ${JSON.stringify(item)} is no text`);
    return item;
  });
}

function stagesFrom(value: unknown, at: string): Stage[] {
  return textsFrom(value, at).map((stage) => {
    if (stages.includes(stage as Stage)) return stage as Stage;
    throw new BadPolicy(`${at}: ${JSON.stringify(stage)} is none of ${stages.join(", ")}`);
  });
}

/** A request as rules see it. */
export interface Audited {
  readonly user: string;
  readonly groups: readonly string[];
  readonly verb: string;
  readonly isResource: boolean;
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** What is recorded of a request. */
export interface Wanted {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

/** The first rule that fits a request decides; nothing is recorded where none does. */
export function wantedOf(policy: AuditPolicy, request: Audited): Wanted {
  const rule = policy.rules.find((candidate) => fits(candidate, request));
  return {
    level: rule?.level ?? "None",
    omitStages: new Set([...policy.omitStages, ...(rule?.omitStages ?? [])]),
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields,
  };
}

function fits(rule: AuditRule, request: Audited): boolean {
  const { users = [], userGroups = [], verbs = [], namespaces = [], resources = [], nonResourceURLs = [] } = rule;
  if (users.length > 0 && !users.includes(request.user)) return false;
  if (userGroups.length > 0 && !userGroups.some((group) => request.groups.includes(group))) return false;
  if (verbs.length > 0 && !verbs.includes(request.verb)) return false;
  if (namespaces.length > 0 || resources.length > 0)
    return (
      request.isResource &&
      (namespaces.length === 0 || namespaces.includes(request.namespace)) &&
      (resources.length === 0 || resources.some((wanted) => namesResource(wanted, request)))
    );
  if (nonResourceURLs.length === 0) return true;
  return !request.isResource && nonResourceURLs.some((url) => namesPath(url, request.path));
}

function namesResource({ group = "", resources = [], resourceNames = [] }: GroupResources, request: Audited): boolean {
  if (group !== request.group) return false;
  if (resources.length === 0) return true;
  const { resource, subresource, name } = request;
  if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
  const whole = subresource ? `${resource}/${subresource}` : resource;
  return resources.some(
    (wanted) =>
      wanted === "*" ||
      wanted === whole ||
      (subresource !== "" && wanted === `*/${subresource}`) ||
      wanted === `${resource}/*`,
  );
}

function namesPath(wanted: string, path: string): boolean {
  return wanted === "*" || wanted === path || (wanted.endsWith("*") && path.startsWith(wanted.slice(0, -1)));
}
