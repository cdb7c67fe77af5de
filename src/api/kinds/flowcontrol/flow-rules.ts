import type { FieldError, Path } from "../../field.ts";
import type {
  FlowcontrolV1Subject,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from "../../schema/types.ts";
import { dnsLabel, dnsSubdomain } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";

/** Whom and what a flow schema is about. */
export function validateRules(rule: PolicyRulesWithSubjects, at: Path): FieldError[] {
  const [subjects, resources, others] = [rule.subjects ?? [], rule.resourceRules ?? [], rule.nonResourceRules ?? []];
  return [
    ...(subjects.length === 0 ? [at.child("subjects").required("subjects must contain at least one value")] : []),
    ...subjects.flatMap((subject, i) => validateSubject(subject, at.child("subjects").index(i))),
    ...(resources.length + others.length === 0
      ? [at.required("at least one of resourceRules and nonResourceRules has to be non-empty")]
      : []),
    ...resources.flatMap((item, i) => validateResourceRule(item, at.child("resourceRules").index(i))),
    ...others.flatMap((item, i) => validateNonResourceRule(item, at.child("nonResourceRules").index(i))),
  ];
}

const subjectFields = { ServiceAccount: "serviceAccount", User: "user", Group: "group" } as const;

function validateSubject(subject: FlowcontrolV1Subject, at: Path): FieldError[] {
  const { kind = "" } = subject;
  if (!isSubjectKind(kind)) return [at.child("kind").notSupported(kind, ["Group", "ServiceAccount", "User"])];
  const others = (["ServiceAccount", "User", "Group"] as const).filter((other) => other !== kind);
  return [
    ...validateNamed(subject, kind, at.child(subjectFields[kind])),
    ...others
      .filter((other) => subject[subjectFields[other]] !== undefined)
      .map((other) => {
        const field = subjectFields[other];
        return at.child(field).forbidden(`${field} is forbidden when subject kind is not '${other}'`);
      }),
  ];
}

type SubjectKind = keyof typeof subjectFields;

function isSubjectKind(kind: string): kind is SubjectKind {
  return kind in subjectFields;
}

function validateNamed(subject: FlowcontrolV1Subject, kind: SubjectKind, at: Path): FieldError[] {
  const field = subjectFields[kind];
  const given = subject[field];
  if (!given) return [at.required(`${field} is required when subject kind is '${kind}'`)];
  const { name = "" } = given;
  const nameErrors = name
    ? kind === "ServiceAccount" && name !== "*"
      ? validateText(dnsSubdomain, name, at.child("name"))
      : []
    : [at.child("name").required()];
  if (kind !== "ServiceAccount") return nameErrors;
  const { namespace = "" } = subject.serviceAccount ?? {};
  return [
    ...nameErrors,
    ...(namespace
      ? validateText(dnsLabel, namespace, at.child("namespace"))
      : [at.child("namespace").required("must specify namespace for service account")]),
  ];
}

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

function validateVerbs(given: readonly string[], at: Path): FieldError[] {
  if (given.length === 0) return [at.required("verbs must contain at least one value")];
  if (given.includes("*")) return loneStar(given, "verbs", at);
  return given.every((verb) => verbs.includes(verb)) ? [] : [at.notSupported(given, verbs)];
}

/** "*" stands for all: nothing can stand beside it. */
function loneStar(given: readonly string[], what: string, at: Path): FieldError[] {
  return given.length > 1 && given.includes("*")
    ? [at.invalid(given, `if '*' is present, must not specify other ${what}`)]
    : [];
}

function validateResourceRule(rule: ResourcePolicyRule, at: Path): FieldError[] {
  const [groups, resources, namespaces] = [rule.apiGroups ?? [], rule.resources ?? [], rule.namespaces ?? []];
  const each = "each member of this list must be '*' or a DNS-1123 label; ";
  return [
    ...validateVerbs(rule.verbs ?? [], at.child("verbs")),
    ...(groups.length === 0
      ? [at.child("apiGroups").required("resource rules must supply at least one api group")]
      : []),
    ...loneStar(groups, "api groups", at.child("apiGroups")),
    ...(resources.length === 0
      ? [at.child("resources").required("resource rules must supply at least one resource")]
      : []),
    ...loneStar(resources, "resources", at.child("resources")),
    ...(namespaces.length === 0 && !rule.clusterScope
      ? [
          at
            .child("namespaces")
            .required("resource rules that are not cluster scoped must supply at least one namespace"),
        ]
      : []),
    ...(namespaces.includes("*")
      ? loneStar(namespaces, "namespaces", at.child("namespaces"))
      : namespaces.flatMap((name, i) =>
          dnsLabel(name).map((wrong) =>
            at
              .child("namespaces")
              .index(i)
              .invalid(name, each + wrong),
          ),
        )),
  ];
}

function validateNonResourceRule(rule: NonResourcePolicyRule, at: Path): FieldError[] {
  const urls = rule.nonResourceURLs ?? [];
  const place = at.child("nonResourceURLs");
  return [
    ...validateVerbs(rule.verbs ?? [], at.child("verbs")),
    ...(urls.length === 0 ? [place.required("nonResourceURLs must contain at least one value")] : []),
    ...(urls.includes("*")
      ? loneStar(urls, "non-resource URLs", place)
      : urls.flatMap((url, i) => validateUrlPath(url, place.index(i)))),
  ];
}

function validateUrlPath(path: string, at: Path): FieldError[] {
  if (path === "") return [at.invalid(path, "must not be empty")];
  if (path === "/") return [];
  if (!path.startsWith("/")) return [at.invalid(path, "must start with slash")];
  if (path.includes(" ")) return [at.invalid(path, "must not contain white-space")];
  if (path.includes("//")) return [at.invalid(path, "must not contain double slash")];
  const stars = path.split("*").length - 1;
  return stars > 1 || (stars === 1 && !path.endsWith("/*"))
    ? [at.invalid(path, "wildcard can only do suffix matching")]
    : [];
}

/** Conditions of schemas and of levels. */
export function validateFlowConditions(conditions: readonly { type?: string }[], at: Path): FieldError[] {
  return conditions.flatMap(({ type = "" }, i) => [
    ...(conditions.findIndex((other) => (other.type ?? "") === type) < i
      ? [at.index(i).child("type").duplicate(type)]
      : []),
    ...(type === "" ? [at.index(i).child("type").required("must not be empty")] : []),
  ]);
}
