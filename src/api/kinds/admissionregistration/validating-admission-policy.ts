import type { AdmissionScope } from "../../cel/admission.ts";
import { bool, simpleType, text } from "../../cel/types.ts";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind, statusAlone } from "../../kind.ts";
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from "../../schema/types.ts";
import { validateConditions } from "../../validate/conditions.ts";
import { qualifiedName } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";
import { validateExpression } from "./match.ts";
import { paramKindColumn, policyScope, setPolicyDefaults, validatePolicy } from "./policy.ts";

const mostAnnotations = 20;
const longestExpression = 5 * 1024;
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
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: "Validations", type: "integer", cell: ({ spec }) => spec?.validations?.length ?? 0 },
    paramKindColumn,
    ageColumn,
  ],

  defaults: setPolicyDefaults,

  validate({ metadata, spec }, root) {
    const at = root.child("spec");
    const { validations = [], auditAnnotations = [] } = spec;
    const none = validations.length === 0 && auditAnnotations.length === 0;
    const scope = policyScope(spec);
    const some = "validations or auditAnnotations must contain at least one item";
    return [
      ...validatePolicy(spec, at, { isMutating: false }),
      ...(none ? [at.child("validations").required(some), at.child("auditAnnotations").required(some)] : []),
      ...validations.flatMap((validation, i) =>
        validateValidation(validation, at.child("validations").index(i), scope),
      ),
      ...validateAuditAnnotations(auditAnnotations, metadata.name, { at: at.child("auditAnnotations"), scope }),
    ];
  },

  validateSubresource: (_subresource, { status }, _old, root) => [
    ...(status?.typeChecking?.expressionWarnings ?? []).flatMap(({ warning, fieldRef }, i) => {
      const at = root.child("status", "typeChecking", "expressionWarnings").index(i);
      return [
        ...(warning ? [] : [at.child("warning").required()]),
        ...(fieldRef?.trim() ? [] : [at.child("fieldRef").required()]),
      ];
    }),
    ...validateConditions(status?.conditions, root.child("status", "conditions")),
  ],
});

function validateValidation(
  { expression, message, messageExpression, reason }: Validation,
  at: Path,
  scope: AdmissionScope,
): FieldError[] {
  const shown = at.child("message");
  const messageAt = at.child("messageExpression");
  return [
    ...validateExpression(expression, at.child("expression"), {
      scope,
      wanted: [bool],
      asWritten: true,
      otherwise: "expression is not specified",
    }),
    ...(messageExpression?.trim()
      ? validateExpression(messageExpression, messageAt, {
          scope: { ...scope, hasAuthorizer: false },
          wanted: [text],
          asWritten: true,
        })
      : []),
    ...(messageExpression && messageExpression.trim() === ""
      ? [messageAt.invalid(messageExpression, "must be non-empty if specified")]
      : []),
    ...(message && message.trim() === "" ? [shown.invalid(message, "must be non-empty if specified")] : []),
    ...(/[\n\r]/.test(message?.trim() ?? "") ? [shown.invalid(message, "must not contain line breaks")] : []),
    ...(reason === undefined ? [] : validateOneOf(reason, reasons, at.child("reason"))),
  ];
}

function validateAuditAnnotations(
  annotations: readonly AuditAnnotation[],
  policy: string,
  { at, scope }: { readonly at: Path; readonly scope: AdmissionScope },
): FieldError[] {
  const keys = annotations.map(({ key }) => key);
  return [
    ...(annotations.length > mostAnnotations
      ? [at.invalid(annotations.map(shownAnnotation), `must not have more than ${mostAnnotations} auditAnnotations`)]
      : []),
    ...annotations.flatMap(({ key = "", valueExpression = "" }, i) => {
      const [name, value] = [at.index(i).child("key"), at.index(i).child("valueExpression")];
      return [
        ...validateText(qualifiedName, `${policy}/${key}`, name),
        ...(Buffer.byteLength(valueExpression.trim()) > longestExpression
          ? [value.required(`must not exceed ${longestExpression} bytes in length`)]
          : validateExpression(valueExpression, value, {
              scope,
              wanted: [text, simpleType("null")],
              otherwise: "valueExpression is not specified",
            })),
        ...(keys.indexOf(key) < i ? [name.duplicate(key)] : []),
      ];
    }),
  ];
}

function shownAnnotation({ key = "", valueExpression = "" }: AuditAnnotation): object {
  return { Key: key, ValueExpression: valueExpression };
}
