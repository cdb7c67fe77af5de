import { type FieldError, invalid, Path } from "../../api/field.ts";
import type { AnyObject } from "../../api/object.ts";
import { goJson } from "../../api/schema/go-json.ts";
import { typeNode } from "../../api/schema/table.ts";
import { badRequest } from "../../api/status.ts";
import type { Attributes, Authorizer } from "../authorize/attributes.ts";
import type { PolicyRule, RbacAuthorizer } from "../authorize/rbac.ts";
import type { Call } from "../call.ts";
import type { Answer } from "../registry/answer.ts";
import { superuserGroup, type UserInfo } from "../user.ts";
import type { Action } from "./action.ts";
import { type AskedSelectors, askedSelectorErrors, readSelectors } from "./asked-selectors.ts";

interface ResourceAttributes extends AskedSelectors {
  readonly namespace?: string;
  readonly verb?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
}

interface ReviewSpec {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
  readonly namespace?: string;
}

/** Says what somebody may do (API reference, "SubjectAccessReview" and its kin). */
export function accessReviews({
  authorizer,
  rbac,
}: {
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
}): [string, Action][] {
  const decided = (body: AnyObject, user: UserInfo): Answer => {
    const { fieldSelector, problems } = readSelectors(specOf(body).resourceAttributes ?? {});
    const { allowed, reason } = authorizer.decide(attributesOf(specOf(body), user, fieldSelector));
    const evaluationError = problems.join("; ");
    return answer({
      ...body,
      status: { allowed, ...(reason && { reason }), ...(evaluationError && { evaluationError }) },
    });
  };
  const self: Action = {
    async perform({ user }, body) {
      refuse([...attributeErrors(specOf(body)), ...selectorErrors(specOf(body)), ...metadataErrors(body, undefined)]);
      return decided(body, user);
    },
  };
  const subject: Action = {
    async perform(_call, body) {
      refuse([...subjectAccessErrors(specOf(body)), ...metadataErrors(body, undefined)]);
      return decided(body, subjectOf(specOf(body)));
    },
  };
  const local: Action = {
    async perform(call, body) {
      const spec = specOf(body);
      refuse([...subjectAccessErrors(spec), ...metadataErrors(body, call.namespace), ...localErrors(call, spec)]);
      return decided(body, subjectOf(specOf(body)));
    },
  };
  const rules: Action = {
    async perform({ user }, { kind, apiVersion, spec }) {
      const { namespace } = (spec ?? {}) as ReviewSpec;
      if (!namespace) throw badRequest("no namespace on request");
      return answer({
        kind,
        apiVersion,
        metadata: {} as AnyObject["metadata"],
        spec: {},
        status: rulesOf(rbac, user, namespace),
      });
    },
  };
  return [
    ["selfsubjectaccessreviews", self],
    ["subjectaccessreviews", subject],
    ["localsubjectaccessreviews", local],
    ["selfsubjectrulesreviews", rules],
  ];
}

function answer(object: AnyObject): Answer {
  return { sort: "object", code: 201, resource: undefined, object };
}

function specOf({ spec }: AnyObject): ReviewSpec {
  return (spec ?? {}) as ReviewSpec;
}

function attributesOf(
  { resourceAttributes: asked, nonResourceAttributes }: ReviewSpec,
  user: UserInfo,
  fieldSelector: string,
): Attributes {
  return {
    user,
    verb: asked?.verb ?? nonResourceAttributes?.verb ?? "",
    isResource: asked !== undefined,
    group: asked?.group ?? "",
    resource: asked?.resource ?? "",
    subresource: asked?.subresource ?? "",
    namespace: asked?.namespace ?? "",
    name: asked?.name ?? "",
    path: nonResourceAttributes?.path ?? "",
    fieldSelector,
  };
}

function subjectOf({ user = "", groups = [], uid = "", extra = {} }: ReviewSpec): UserInfo {
  return { name: user, uid, groups, extra };
}

/** The kind's name is missing from these errors in Kubernetes too. */
function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: "authorization.k8s.io", kind: "" }, "", errors);
}

const metadataType = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

function metadataErrors({ metadata }: AnyObject, namespace: string | undefined): FieldError[] {
  const { managedFields: _, namespace: own, ...rest } = metadata;
  if (Object.keys(rest).length === 0 && (own ?? "") === (namespace ?? "")) return [];
  const shown: unknown = JSON.parse(goJson(metadata, typeNode(metadataType)));
  return [
    new Path("metadata").invalid(shown, `must be empty${namespace === undefined ? "" : " except for namespace"}`),
  ];
}

/** Those attributes, as Go prints them. */
function goNonResource({ path = "", verb = "" }: NonNullable<ReviewSpec["nonResourceAttributes"]>): unknown {
  return { Path: path, Verb: verb };
}

function attributeErrors({ resourceAttributes, nonResourceAttributes }: ReviewSpec): FieldError[] {
  if (resourceAttributes && nonResourceAttributes)
    return [
      new Path("spec.nonResourceAttributes").invalid(
        goNonResource(nonResourceAttributes),
        "cannot be specified in combination with resourceAttributes",
      ),
    ];
  if (resourceAttributes || nonResourceAttributes) return [];
  return [
    new Path("spec.resourceAttributes").invalid(
      null,
      "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    ),
  ];
}

function subjectErrors({ user, groups }: ReviewSpec): FieldError[] {
  if (user || groups?.length) return [];
  return [new Path("spec.user").invalid("", "at least one of user or group must be specified")];
}

function selectorErrors({ resourceAttributes }: ReviewSpec): FieldError[] {
  return askedSelectorErrors(resourceAttributes ?? {}, new Path("spec.resourceAttributes"));
}

function subjectAccessErrors(spec: ReviewSpec): FieldError[] {
  return [...attributeErrors(spec), ...subjectErrors(spec), ...selectorErrors(spec)];
}

function localErrors({ namespace }: Call, { nonResourceAttributes, resourceAttributes }: ReviewSpec): FieldError[] {
  const errors: FieldError[] = [];
  const asked = resourceAttributes?.namespace ?? "";
  if (resourceAttributes && asked !== namespace)
    errors.push(new Path("spec.resourceAttributes.namespace").invalid(asked, "must match metadata.namespace"));
  if (nonResourceAttributes)
    errors.push(
      new Path("spec.nonResourceAttributes").invalid(
        goNonResource(nonResourceAttributes),
        "disallowed on this kind of request",
      ),
    );
  return errors;
}

const everything: PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

function rulesOf(rbac: RbacAuthorizer, user: UserInfo, namespace: string): Record<string, unknown> {
  const granted = rbac.rulesFor(user, namespace);
  const isSuperuser = user.groups.includes(superuserGroup);
  const rules = isSuperuser ? [...everything, ...granted.rules] : granted.rules;
  return {
    resourceRules: rules
      .filter(({ resources }) => resources?.length)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames?.length && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs?.length)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
    ...(granted.errors.length > 0 && { evaluationError: granted.errors.join(", ") }),
  };
}
