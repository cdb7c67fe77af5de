import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { IngressClass, IngressClassParametersReference, IngressClassSpec } from "../../schema/types.ts";
import { dnsLabel, dnsSubdomain, domainPrefixedPath, pathSegment } from "../../validate/names.ts";
import { validateOneOf, validateText } from "../../validate/values.ts";

const maxControllerLength = 250;

export const ingressClass = defineKind<IngressClass>({
  group: "networking.k8s.io",
  version: "v1",
  kind: "IngressClass",
  plural: "ingressclasses",
  scope: "Cluster",
  generation: true,
  columns: [
    nameColumn,
    { name: "Controller", type: "string", cell: ({ spec }) => spec?.controller ?? "" },
    { name: "Parameters", type: "string", cell: ({ spec }) => parametersText(spec?.parameters) },
    ageColumn,
  ],

  defaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= "Cluster";
  },

  validateCreate: ({ spec }, root) => validateSpec(spec, root.child("spec")),

  validateUpdate({ spec }, old, root) {
    const at = root.child("spec");
    return [
      ...(spec?.controller === old.spec?.controller
        ? []
        : [at.child("controller").invalid(spec?.controller ?? "", "field is immutable")]),
      ...validateSpec(spec, at),
    ];
  },
});

function validateSpec({ controller = "", parameters }: IngressClassSpec = {}, at: Path): FieldError[] {
  const place = at.child("controller");
  return [
    ...(controller.length > maxControllerLength ? [place.tooLong(maxControllerLength)] : []),
    ...(controller ? validateText(domainPrefixedPath, controller, place) : [place.required()]),
    ...(parameters ? validateParameters(parameters, at.child("parameters")) : []),
  ];
}

/** "Params.example.com/p" */
function parametersText(parameters: IngressClassParametersReference | undefined): string {
  if (!parameters) return "<none>";
  const { apiGroup, kind, name } = parameters;
  return `${[kind, apiGroup].filter(Boolean).join(".")}/${name}`;
}

function validateParameters(
  { apiGroup, kind = "", name = "", scope, namespace }: IngressClassParametersReference,
  at: Path,
): FieldError[] {
  const place = at.child("namespace");
  const errors = [
    ...(apiGroup !== undefined ? validateText(dnsSubdomain, apiGroup, at.child("apiGroup")) : []),
    ...(kind ? validateText(pathSegment, kind, at.child("kind")) : [at.child("kind").required("kind is required")]),
    ...(name ? validateText(pathSegment, name, at.child("name")) : [at.child("name").required("name is required")]),
    ...(scope === undefined
      ? [at.child("scope").required()]
      : validateOneOf(scope, ["Cluster", "Namespace"], at.child("scope"))),
  ];
  if (scope === "Namespace")
    errors.push(
      ...(namespace !== undefined
        ? validateText(dnsLabel, namespace, place)
        : [place.required("`parameters.scope` is set to 'Namespace'")]),
    );
  if (scope === "Cluster" && namespace !== undefined)
    errors.push(place.forbidden("`parameters.scope` is set to 'Cluster'"));
  return errors;
}
