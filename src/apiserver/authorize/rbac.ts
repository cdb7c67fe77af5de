import type { AnyObject } from "../../api/object.ts";
import type { Store } from "../../store/contract.ts";
import { Follower } from "../registry/follower.ts";
import type { UserInfo } from "../user.ts";
import type { Attributes, Authorizer, Decision } from "./attributes.ts";

/** One rule of a role (API reference, "PolicyRule"). */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

interface RoleRef {
  readonly kind: string;
  readonly name: string;
}

interface Binding {
  readonly key: string;
  readonly kind: "ClusterRoleBinding" | "RoleBinding";
  /** Undefined: everywhere. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly roleRef: RoleRef;
  readonly subjects: readonly string[];
}

/** A binding, and the subject by which it is the user's. */
interface Granted {
  readonly binding: Binding;
  readonly subject: string;
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

const group = "rbac.authorization.k8s.io";
const buckets = ["clusterroles", "roles", "clusterrolebindings", "rolebindings"].map(
  (plural) => `/${plural}.${group}/`,
);

/** Rules that a user has, and where they came from. */
export interface GrantedRules {
  readonly rules: readonly PolicyRule[];
  /** Bindings that name roles which do not exist. */
  readonly errors: readonly string[];
}

/** Role-based access control over the store's own roles and bindings, of which an index is kept. */
export class RbacAuthorizer implements Authorizer, Disposable {
  readonly #follower: Follower;
  readonly #roles = new Map<string, readonly PolicyRule[]>();
  readonly #bindings = new Map<string, Binding>();
  readonly #bySubject = new Map<string, Map<string, Binding>>();

  constructor(store: Store) {
    this.#follower = new Follower(store, buckets, {
      clear: () => {
        this.#roles.clear();
        this.#bindings.clear();
        this.#bySubject.clear();
      },
      put: (prefix, key, object) => this.#put(prefix, key, object),
      remove: (prefix, key) => this.#remove(prefix, key),
    });
  }

  decide({ user, ...asked }: Attributes): Decision {
    const errors: string[] = [];
    for (const { binding, subject } of this.#bindingsOf(user, asked.isResource ? asked.namespace : "")) {
      const rules = this.#rulesOf(binding);
      if (!rules) errors.push(missingRole(binding));
      else if (rules.some((rule) => allows(rule, asked)))
        return { allowed: true, reason: `RBAC: allowed by ${described(binding)}${shownSubject(subject)}` };
    }
    return { allowed: false, reason: errors.length > 0 ? `RBAC: ${joined(errors)}` : "" };
  }

  /** All that a user may do in a namespace. */
  rulesFor(user: UserInfo, namespace: string): GrantedRules {
    const rules: PolicyRule[] = [];
    const errors: string[] = [];
    for (const { binding } of this.#bindingsOf(user, namespace)) {
      const found = this.#rulesOf(binding);
      if (found) rules.push(...found);
      else errors.push(missingRole(binding));
    }
    return { rules, errors };
  }

  /** The rules of a role that a binding would refer to; undefined when there is no such role. */
  rulesOfRole(ref: RoleRef, namespace: string | undefined): readonly PolicyRule[] | undefined {
    this.#follower.refresh();
    return this.#roles.get(roleKey(ref, namespace));
  }

  *#bindingsOf(user: UserInfo, namespace: string): Iterable<Granted> {
    this.#follower.refresh();
    const local: Granted[] = [];
    for (const subject of [`User ${user.name}`, ...user.groups.map((name) => `Group ${name}`)]) {
      for (const binding of this.#bySubject.get(subject)?.values() ?? []) {
        if (binding.namespace === undefined) yield { binding, subject };
        else if (binding.namespace === namespace && namespace !== "") local.push({ binding, subject });
      }
    }
    yield* local.sort((a, b) => (a.binding.name < b.binding.name ? -1 : 1));
  }

  #rulesOf({ roleRef, namespace }: Binding): readonly PolicyRule[] | undefined {
    return this.#roles.get(roleKey(roleRef, namespace));
  }

  #put(prefix: string, key: string, object: AnyObject): void {
    this.#remove(prefix, key);
    if (!prefix.includes("bindings")) {
      this.#roles.set(key, (object.rules ?? []) as PolicyRule[]);
      return;
    }
    const { namespace, name } = object.metadata;
    const kind = prefix.startsWith("/cluster") ? "ClusterRoleBinding" : "RoleBinding";
    const subjects = ((object.subjects ?? []) as Subject[]).map((subject) => subjectKey(subject, namespace));
    const binding: Binding = { key, kind, namespace, name, roleRef: object.roleRef as RoleRef, subjects };
    this.#bindings.set(key, binding);
    for (const subject of subjects) {
      const of = this.#bySubject.get(subject) ?? new Map<string, Binding>();
      of.set(key, binding);
      this.#bySubject.set(subject, of);
    }
  }

  #remove(prefix: string, key: string): void {
    if (!prefix.includes("bindings")) {
      this.#roles.delete(key);
      return;
    }
    for (const subject of this.#bindings.get(key)?.subjects ?? []) {
      const of = this.#bySubject.get(subject);
      of?.delete(key);
      if (of?.size === 0) this.#bySubject.delete(subject);
    }
    this.#bindings.delete(key);
  }

  [Symbol.dispose](): void {
    this.#follower[Symbol.dispose]();
  }
}

function roleKey({ kind, name }: RoleRef, namespace: string | undefined): string {
  return kind === "ClusterRole" ? `/clusterroles.${group}/${name}` : `/roles.${group}/${namespace}/${name}`;
}

function subjectKey({ kind, name, namespace }: Subject, bindingNamespace: string | undefined): string {
  return kind === "ServiceAccount"
    ? `User system:serviceaccount:${namespace ?? bindingNamespace ?? ""}:${name}`
    : `${kind} ${name}`;
}

function missingRole({ roleRef: { kind, name } }: Binding): string {
  return `${kind.toLowerCase()}.${group} ${JSON.stringify(name)} not found`;
}

function joined(errors: readonly string[]): string {
  const unique = [...new Set(errors)];
  return unique.length === 1 ? (unique[0] ?? "") : `[${unique.join(", ")}]`;
}

function described({ kind, namespace, name, roleRef }: Binding): string {
  const binding = namespace ? `${name}/${namespace}` : name;
  return `${kind} ${JSON.stringify(binding)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to `;
}

function shownSubject(subject: string): string {
  const [, namespace, account] = /^User system:serviceaccount:([^:]+):(.+)$/.exec(subject) ?? [];
  if (account) return `ServiceAccount ${JSON.stringify(`${account}/${namespace}`)}`;
  const [kind = "", ...name] = subject.split(" ");
  return `${kind} ${JSON.stringify(name.join(" "))}`;
}

type Asked = Omit<Attributes, "user">;

export function allows(rule: PolicyRule, asked: Asked): boolean {
  if (!matches(rule.verbs, asked.verb)) return false;
  if (!asked.isResource) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, asked.path));
  return (
    matches(rule.apiGroups, asked.group) &&
    resourceMatches(rule.resources ?? [], asked) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(asked.name))
  );
}

function matches(allowed: readonly string[] | undefined, asked: string): boolean {
  return allowed?.some((value) => value === "*" || value === asked) ?? false;
}

function resourceMatches(allowed: readonly string[], { resource, subresource }: Asked): boolean {
  const whole = subresource ? `${resource}/${subresource}` : resource;
  return allowed.some(
    (value) => value === "*" || value === whole || (subresource !== "" && value === `*/${subresource}`),
  );
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}
