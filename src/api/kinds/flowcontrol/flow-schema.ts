import { ageColumn, nameColumn } from "../../columns.ts";
import { goView } from "../../go-view.ts";
import { defineKind, statusAlone } from "../../kind.ts";
import type { FlowSchema } from "../../schema/types.ts";
import { dnsSubdomain } from "../../validate/names.ts";
import { validateText } from "../../validate/values.ts";
import { validateFlowConditions, validateRules } from "./flow-rules.ts";
import { validateFixedSchema } from "./mandatory.ts";

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

  // The order in which requests are matched.
  tableOrder: ({ metadata: a, spec: left }, { metadata: b, spec: right }) =>
    (left.matchingPrecedence ?? 0) - (right.matchingPrecedence ?? 0) || (a.name < b.name ? -1 : 1),

  defaults({ spec }) {
    if (spec) spec.matchingPrecedence ??= defaultPrecedence;
  },

  validate({ metadata: { name }, spec, status }, root) {
    const at = root.child("spec");
    const { matchingPrecedence: precedence = 0, priorityLevelConfiguration, distinguisherMethod } = spec;
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
      ...(distinguisherMethod && !methods.includes(distinguisherMethod.type)
        ? [
            at
              .child("distinguisherMethod", "type")
              .notSupported(goView("FlowDistinguisherMethod", distinguisherMethod), methods),
          ]
        : []),
      ...(level
        ? validateText(dnsSubdomain, level, at.child("priorityLevelConfiguration", "name"))
        : [at.child("priorityLevelConfiguration", "name").required("must reference a priority level")]),
      ...(spec.rules ?? []).flatMap((rule, i) => validateRules(rule, at.child("rules").index(i))),
      ...validateFixedSchema(name, spec, at),
      ...validateFlowConditions(status?.conditions ?? [], root.child("status", "conditions")),
    ];
  },

  validateSubresource: (_subresource, { status }, _old, root) =>
    validateFlowConditions(status?.conditions ?? [], root.child("status", "conditions")),
});

const methods = ["ByNamespace", "ByUser"];
