import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind, statusAlone } from "../../kind.ts";
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from "../../schema/types.ts";
import { qualifiedName } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";
import {
  paramKindText,
  setMatchDefaults,
  validateExpression,
  validateFailurePolicy,
  validateMatchConditions,
  validateMatchResources,
  validateParamKind,
  validateVariables,
} from "./match.ts";

const reasons = ["Forbidden", "Invalid", "RequestEntityTooLarge"];

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: "admissionregistration.k8s.io",
  version: "v1",
  kind: "ValidatingAdmissionPolicy",
  plural: "validatingadmissionpolicies",
  categories: ["api-extensions"],
  scope: "Cluster",
  subresources: { status: statusAlone },
  generation: true,
  columns: [
    nameColumn,
    { name: "Validations", type: "integer", cell: ({ spec }) => spec?.validations?.length ?? 0 },
    { name: "ParamKind", type: "string", cell: ({ spec }) => paramKindText(spec?.paramKind) },
    ageColumn,
  ],

  defaults(policy) {
    policy.spec ??= {};
    policy.spec.failurePolicy ??= "Fail";
    setMatchDefaults(policy.spec.matchConstraints);
  },

  validate({ metadata, spec }, root) {
    const at = root.child("spec");
    const { matchConstraints, validations = [], auditAnnotations = [] } = spec;
    const none = validations.length === 0 && auditAnnotations.length === 0;
    const some = "validations or auditAnnotations must contain at least one item";
    return [
      ...validateFailurePolicy(spec.failurePolicy, at),
      ...validateParamKind(spec.paramKind, at.child("paramKind")),
      ...(matchConstraints
        ? [
            ...validateMatchResources(matchConstraints, at.child("matchConstraints")),
            ...(matchConstraints.resourceRules?.length
              ? []
              : [at.child("matchConstraints", "resourceRules").required()]),
          ]
        : [at.child("matchConstraints").required()]),
      ...validateMatchConditions(spec.matchConditions, at.child("matchConditions")),
      ...validateVariables(spec.variables, at.child("variables")),
      ...(none ? [at.child("validations").required(some), at.child("auditAnnotations").required(some)] : []),
      ...validations.flatMap((validation, i) => validateValidation(validation, at.child("validations").index(i))),
      ...validateAuditAnnotations(auditAnnotations, metadata.name, at.child("auditAnnotations")),
    ];
  },
});

function validateValidation({ expression, message, reason }: Validation, at: Path): FieldError[] {
  const shown = at.child("message");
  return [
    ...(expression?.trim() ? [] : [at.child("expression").required("expression is not specified")]),
    ...(message !== undefined && message.trim() === ""
      ? [shown.invalid(message, "message must be non-empty if specified")]
      : []),
    ...(message?.trim().includes("\n") ? [shown.invalid(message, "message must not contain line breaks")] : []),
    ...(reason === undefined ? [] : validateOneOf(reason, reasons, at.child("reason"))),
  ];
}

function validateAuditAnnotations(annotations: readonly AuditAnnotation[], policy: string, at: Path): FieldError[] {
  const keys = annotations.map(({ key }) => key);
  return annotations.flatMap(({ key = "", valueExpression }, i) => {
    const place = at.index(i);
    return [
      ...validateText(qualifiedName, `${policy}/${key}`, place.child("key")),
      ...(keys.indexOf(key) < i ? [place.child("key").duplicate(key)] : []),
      ...validateExpression(valueExpression, place.child("valueExpression")),
    ];
  });
}
