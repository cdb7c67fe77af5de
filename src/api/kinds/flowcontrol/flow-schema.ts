import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind, statusAlone } from "../../kind.ts";
import type { FlowcontrolV1Subject, FlowSchema, PolicyRulesWithSubjects } from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

const highestPrecedence = 10_000;
const defaultPrecedence = 1000;

export const flowSchema = defineKind<FlowSchema>({
  group: "flowcontrol.apiserver.k8s.io",
  version: "v1",
  kind: "FlowSchema",
  plural: "flowschemas",
  scope: "Cluster",
  subresources: { status: statusAlone },
  generation: true,
  columns: [
    nameColumn,
    { name: "PriorityLevel", type: "string", cell: ({ spec }) => spec?.priorityLevelConfiguration?.name ?? "" },
    { name: "MatchingPrecedence", type: "string", cell: ({ spec }) => spec?.matchingPrecedence ?? 0 },
    { name: "DistinguisherMethod", type: "string", cell: ({ spec }) => spec?.distinguisherMethod?.type ?? "<none>" },
    ageColumn,
    {
      name: "MissingPL",
      type: "string",
      cell: ({ status }) => status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?",
    },
  ],

  defaults({ spec }) {
    if (spec) spec.matchingPrecedence ??= defaultPrecedence;
  },

  validate({ metadata: { name }, spec }, root) {
    const at = root.child("spec");
    const { matchingPrecedence: precedence = 0, priorityLevelConfiguration, distinguisherMethod, rules = [] } = spec;
    const place = at.child("matchingPrecedence");
    const level = priorityLevelConfiguration?.name ?? "";
    return [
      ...(precedence <= 0 ? [place.invalid(precedence, "must be a positive value")] : []),
      ...(precedence > highestPrecedence
        ? [place.invalid(precedence, `must not be greater than ${highestPrecedence}`)]
        : []),
      ...(precedence === 1 && name !== "exempt"
        ? [place.invalid(precedence, "only the schema named 'exempt' may have matchingPrecedence 1")]
        : []),
      ...(distinguisherMethod
        ? validateOneOf(distinguisherMethod.type, ["ByNamespace", "ByUser"], at.child("distinguisherMethod", "type"))
        : []),
      ...(level
        ? validateText(dnsSubdomain, level, at.child("priorityLevelConfiguration", "name"))
        : [at.child("priorityLevelConfiguration", "name").required("must reference a priority level")]),
      ...rules.flatMap((rule, i) => validateRules(rule, at.child("rules").index(i))),
    ];
  },
});

function validateRules(rule: PolicyRulesWithSubjects, at: Path): FieldError[] {
  const { resourceRules = [], nonResourceRules = [] } = rule;
  const subjects = rule.subjects ?? [];
  return [
    ...(subjects.length === 0 ? [at.child("subjects").required("subjects must contain at least one value")] : []),
    ...subjects.flatMap((subject, i) => validateSubject(subject, at.child("subjects").index(i))),
    ...(resourceRules.length + nonResourceRules.length === 0
      ? [at.required("at least one of resourceRules and nonResourceRules has to be non-empty")]
      : []),
  ];
}

function validateSubject({ kind, user, group, serviceAccount }: FlowcontrolV1Subject, at: Path): FieldError[] {
  switch (kind) {
    case "ServiceAccount":
      return serviceAccount
        ? []
        : [at.child("serviceAccount").required("serviceAccount is required when subject kind is 'ServiceAccount'")];
    case "User":
      return user ? [] : [at.child("user").required("user is required when subject kind is 'User'")];
    case "Group":
      return group ? [] : [at.child("group").required("group is required when subject kind is 'Group'")];
    default:
      return [at.child("kind").notSupported(kind ?? "", ["Group", "ServiceAccount", "User"])];
  }
}
