import { kubernetesVersion } from "../schema/table.ts";
import { type Descriptions, noDescriptions } from "./descriptions.ts";
import { generalDocuments } from "./general-documents.ts";
import { pathsOf } from "./kind-paths.ts";
import { answerTypesOf, bodyTypesOf } from "./media-types.ts";
import { tagOf } from "./names.ts";
import { parameterOf } from "./parameters.ts";
import { pathItemOf, statusTexts } from "./path-item.ts";
import { type OperationModel, type PathModel, typesOf } from "./path-model.ts";
import type { PublishedKind } from "./published-kind.ts";
import { type JsonObject, schemasOf } from "./schemas.ts";
import { securitySchemes } from "./security.ts";

const refPrefix = "#/definitions/";

/** The OpenAPI v2 document of all kinds. Made anew at each call; it is large, so nobody should keep it. */
export function openApiV2(kinds: readonly PublishedKind[], texts: Descriptions = noDescriptions): JsonObject {
  const groups = Map.groupBy(kinds, ({ group, version }) => `${group}/${version}`);
  const told = [
    ...generalDocuments(kinds).values(),
    ...groups.values().flatMap((own) => {
      const { group = "", version = "" } = own[0] ?? {};
      return pathsOf(group, version, own).map((path) => ({ path, tag: tagOf(group, version) }));
    }),
  ];
  const paths = told.map(({ path, tag }): [string, JsonObject] => [path.path, pathItem(path, tag)]);
  const types = typesOf(told.map(({ path }) => path));
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: kubernetesVersion },
    paths: Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1))),
    definitions: schemasOf(types, kinds, texts, { refPrefix, isV3: false }),
    securityDefinitions: securitySchemes,
    security: [{ BearerToken: [] }],
  };
}

function pathItem(path: PathModel, tag: string): JsonObject {
  return pathItemOf(path, {
    operation: (operation, own) => operationItem(operation, path.path, tag, own),
    parameter: (name) => parameter(name, path.path),
  });
}

function parameter(asked: string, path: string): JsonObject {
  const { name, place, type, description } = parameterOf(asked, path);
  return {
    ...(description && { description }),
    in: place,
    name,
    ...(place === "path" && { required: true }),
    type,
    uniqueItems: true,
  };
}

function operationItem(operation: OperationModel, path: string, tag: string, own: readonly string[]): JsonObject {
  const { id, description, action, kind, body, answer, codes } = operation;
  const schema = answer ? { $ref: refPrefix + answer } : { type: "string" };
  const bodyParameter = body && [
    { in: "body", name: "body", ...(body.required && { required: true }), schema: { $ref: refPrefix + body.type } },
  ];
  const consumes = bodyTypesOf(operation);
  const parameters = [...(bodyParameter ?? []), ...own.map((name) => parameter(name, path))];
  return {
    ...(consumes.length && { consumes }),
    description,
    operationId: id,
    ...(parameters.length && { parameters }),
    produces: answerTypesOf(operation),
    responses: {
      ...Object.fromEntries(codes.map((code) => [code, { description: statusTexts[code], schema }])),
      401: { description: "Unauthorized" },
    },
    schemes: ["https"],
    tags: [tag],
    ...(action && { "x-kubernetes-action": action }),
    ...(kind && { "x-kubernetes-group-version-kind": kind }),
  };
}
