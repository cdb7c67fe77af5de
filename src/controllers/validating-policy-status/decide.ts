import { type AdmissionScope, issuesOf } from "../../api/cel/admission.ts";
import { typeOfNode } from "../../api/cel/type-of-node.ts";
import type { Type } from "../../api/cel/types.ts";
import { variableTypes } from "../../api/kinds/admissionregistration/policy.ts";
import type { SchemaNode } from "../../api/schema/node.ts";
import type {
  ExpressionWarning,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyStatus,
} from "../../api/schema/types.ts";

/** A kind that is served, with what its objects look like. */
export interface KnownKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly node: SchemaNode;
}

/** A policy for more kinds than this is not checked against all of them. */
const mostKinds = 10;

/** The status of a policy whose expressions are to be checked; undefined: they have been. */
export function decide(
  policy: ValidatingAdmissionPolicy,
  kinds: readonly KnownKind[],
): ValidatingAdmissionPolicyStatus | undefined {
  const { generation = 1 } = policy.metadata;
  if ((policy.status?.observedGeneration ?? 0) >= generation) return undefined;
  const expressionWarnings = warningsOf(policy, kinds);
  return {
    ...policy.status,
    observedGeneration: generation,
    typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {},
  };
}

/** Expressions know nothing of the objects that they see until they see them: what cannot fit is said beforehand. */
function warningsOf({ spec }: ValidatingAdmissionPolicy, kinds: readonly KnownKind[]): ExpressionWarning[] {
  const { paramKind, variables, validations = [] } = spec ?? {};
  const params = kinds.find(
    ({ group, version, kind }) =>
      kind === paramKind?.kind && (group ? `${group}/${version}` : version) === paramKind.apiVersion,
  );
  const checked = kindsToCheck(spec, kinds).map((kind) => ({
    kind,
    scope: scopeFor(typeOf(kind), params && typeOf(params)),
  }));
  const scopes = checked.map(({ kind, scope }) => ({
    shown: `${kind.group}/${kind.version}, Kind=${kind.kind}`,
    scope: { ...scope, variables: variableTypes(variables, scope) },
  }));
  return validations.flatMap(({ expression = "", messageExpression }, i) =>
    Object.entries({ expression, messageExpression }).flatMap(([field, source]): ExpressionWarning[] => {
      if (!source) return [];
      const found = scopes.flatMap(({ shown, scope }) => {
        const issues = issuesOf(source, scope);
        return issues === undefined ? [] : [`${shown}: ${issues}\n`];
      });
      return found.length > 0 ? [{ fieldRef: `spec.validations[${i}].${field}`, warning: found.join("\n") }] : [];
    }),
  );
}

function scopeFor(object: Type, params: Type | undefined): AdmissionScope {
  return { hasNamespace: true, hasParams: params !== undefined, object, ...(params && { params }) };
}

const typeOf = ({ node, kind }: KnownKind): Type => typeOfNode(node, kind);

/** The kinds that the rules name one by one, in order; a rule for all of something says nothing of types. */
function kindsToCheck(spec: ValidatingAdmissionPolicy["spec"], kinds: readonly KnownKind[]): readonly KnownKind[] {
  const found = new Set<KnownKind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of spec?.matchConstraints?.resourceRules ?? []) {
    if ([...apiGroups, ...apiVersions].some((name) => name.includes("*"))) continue;
    for (const kind of kinds)
      if (apiGroups.includes(kind.group) && apiVersions.includes(kind.version) && resources.includes(kind.plural))
        found.add(kind);
  }
  const key = ({ group, version, kind }: KnownKind): string => `${group}\0${version}\0${kind}`;
  return [...found].sort((a, b) => (key(a) < key(b) ? -1 : 1)).slice(0, mostKinds);
}
