import { kubernetesVersion } from "../schema/table.ts";
import { type Descriptions, noDescriptions } from "./descriptions.ts";
import {
  generalPath,
  type OperationModel,
  type PathModel,
  type PublishedKind,
  parameterOf,
  pathsOf,
  tagOf,
} from "./operations.ts";
import { pathItemOf } from "./path-item.ts";
import { type JsonObject, schemasOf } from "./schemas.ts";
import { statusTexts, typesOf } from "./v3.ts";

const refPrefix = "#/definitions/";
const answers = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const streams = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const patches = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

/** The OpenAPI v2 document of all kinds. Made anew at each call; it is large, so nobody should keep it. */
export function openApiV2(kinds: readonly PublishedKind[], texts: Descriptions = noDescriptions): JsonObject {
  const groups = Map.groupBy(kinds, ({ group, version }) => `${group}/${version}`);
  const paths: [string, JsonObject][] = [];
  const types = new Set<string>();
  for (const own of groups.values()) {
    const { group = "", version = "" } = own[0] ?? {};
    const models = pathsOf(group, version, own);
    for (const type of typesOf(models)) types.add(type);
    for (const model of models) paths.push([model.path, pathItem(model, tagOf(group, version))]);
  }
  const named = new Set(kinds.filter(({ group, schema }) => group && !schema).map(({ group }) => group));
  for (const document of ["api", "apis", "version", ...[...named].map((group) => `apis/${group}`)]) {
    const model = generalPath(document);
    if (!model) continue;
    for (const type of typesOf([model])) types.add(type);
    const [, group] = document.split("/");
    paths.push([
      model.path,
      pathItem(model, group ? tagOf(group, "").slice(0, -1) : document.replace(/^api$/, "core")),
    ]);
  }
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version: kubernetesVersion },
    paths: Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1))),
    definitions: schemasOf(types, kinds, texts, { refPrefix, isV3: false }),
    securityDefinitions: {
      BearerToken: { type: "apiKey", description: "Bearer Token authentication", name: "authorization", in: "header" },
    },
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
  const parameters = [...(bodyParameter ?? []), ...own.map((name) => parameter(name, path))];
  return {
    consumes: consumedBy(operation),
    description,
    operationId: id,
    ...(parameters.length && { parameters }),
    produces: producedBy(operation),
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

function producedBy({ action, streams: isStream, isCustom }: OperationModel): readonly string[] {
  if (action === "connect") return ["*/*"];
  if (isCustom) return customBodies;
  return isStream ? [...answers, ...streams] : answers;
}

/** kubectl reads here which sort of patch it may send: custom resources take no strategic ones. */
function consumedBy({ body, isCustom }: OperationModel): readonly string[] {
  if (!body?.isPatch) return isCustom ? customBodies : ["*/*"];
  return isCustom ? patches.filter((type) => !type.includes("strategic")) : patches;
}

const customBodies = ["application/json", "application/yaml"];
