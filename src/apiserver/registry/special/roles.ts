import type { AnyObject } from "../../../api/object.ts";
import { forbidden, notFound } from "../../../api/status.ts";
import type { Authorizer } from "../../authorize/attributes.ts";
import { covers } from "../../authorize/covers.ts";
import type { PolicyRule, RbacAuthorizer } from "../../authorize/rbac.ts";
import type { Call } from "../../call.ts";
import { superuserGroup } from "../../user.ts";
import type { Special } from "../deps.ts";
import { sameJson } from "../paths.ts";

interface Judges {
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
}

/** Nobody gives a role more than they have themselves (Kubernetes docs, "Privilege escalation prevention and bootstrapping"). */
export function roles({ authorizer, rbac }: Judges): Special {
  const check = (call: Call, role: AnyObject): undefined => {
    const aggregates = (role.aggregationRule as object | undefined) !== undefined;
    if (mayAlways(authorizer, call, "escalate", role.metadata.name)) return;
    const everything: PolicyRule[] = [
      { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
      { verbs: ["*"], nonResourceURLs: ["*"] },
    ];
    const wanted = aggregates ? everything : ((role.rules ?? []) as PolicyRule[]);
    refuseMore(rbac, call, wanted, role);
    return;
  };
  return {
    creating: check,
    updating: (call, role, old) =>
      sameJson(role.rules, old.rules) && sameJson(role.aggregationRule, old.aggregationRule)
        ? undefined
        : check(call, role),
  };
}

interface RoleRef {
  readonly apiGroup?: string;
  readonly kind: string;
  readonly name: string;
}

/** Nobody binds a role that gives more than they have themselves. */
export function roleBindings({ authorizer, rbac }: Judges): Special {
  const check = (call: Call, binding: AnyObject): undefined => {
    const ref = binding.roleRef as RoleRef | undefined;
    if (!ref || call.user.groups.includes(superuserGroup)) return;
    const plural = ref.kind === "ClusterRole" ? "clusterroles" : "roles";
    if (mayAlways(authorizer, call, "bind", ref.name, plural)) return;
    const rules = rbac.rulesOfRole(ref, call.namespace);
    if (!rules) throw notFound({ group: "rbac.authorization.k8s.io", plural }, ref.name);
    refuseMore(rbac, call, rules, binding);
    return;
  };
  return {
    creating: check,
    updating: (call, binding, old) =>
      sameJson(binding.roleRef, old.roleRef) && sameJson(binding.subjects, old.subjects)
        ? undefined
        : check(call, binding),
  };
}

function mayAlways(authorizer: Authorizer, call: Call, verb: string, name: string, plural?: string): boolean {
  const { group } = call.resource.kind;
  return authorizer.decide({
    user: call.user,
    verb,
    isResource: true,
    group,
    resource: plural ?? call.resource.kind.plural,
    subresource: "",
    namespace: call.namespace ?? "",
    name,
    path: "",
  }).allowed;
}

function refuseMore(rbac: RbacAuthorizer, call: Call, wanted: readonly PolicyRule[], object: AnyObject): void {
  if (call.user.groups.includes(superuserGroup)) return;
  const { rules } = rbac.rulesFor(call.user, call.namespace ?? "");
  const missing = wanted.filter((rule) => !covers(rules, rule));
  if (missing.length === 0) return;
  const who = `user ${JSON.stringify(call.user.name)} (groups=[${call.user.groups.map((g) => JSON.stringify(g)).join(" ")}])`;
  throw forbidden(
    call.resource.name,
    object.metadata.name,
    `${who} is attempting to grant RBAC permissions not currently held:\n${missing.map(shown).join("\n")}`,
  );
}

function shown({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const list = (name: string, values: readonly string[] | undefined): string[] =>
    values?.length ? [`${name}:[${values.map((value) => JSON.stringify(value)).join(" ")}]`] : [];
  const parts = [
    ...list("APIGroups", apiGroups),
    ...list("Resources", resources),
    ...list("ResourceNames", resourceNames),
    ...list("NonResourceURLs", nonResourceURLs),
    ...list("Verbs", verbs),
  ];
  return `{${parts.join(", ")}}`;
}
