import { createHash } from "node:crypto";
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

const refPrefix = "#/components/schemas/";

/**
 * An OpenAPI v3 document by its path below /openapi/v3 ("apis/apps/v1", "api", "version"); undefined where there is none. Made anew
 * at each call; documents are large, so nobody should keep them.
 */
export function openApiV3(
  document: string,
  kinds: readonly PublishedKind[],
  texts: Descriptions = noDescriptions,
): JsonObject | undefined {
  const own = kinds.filter((kind) => documentOf(kind) === document);
  const [first] = own;
  if (first) {
    const { group, version } = first;
    return documentFrom(pathsOf(group, version, own), tagOf(group, version), own, texts);
  }
  const general = generalDocuments(kinds).get(document);
  return general && documentFrom([general.path], general.tag, [], texts);
}

function documentFrom(
  paths: readonly PathModel[],
  tag: string,
  kinds: readonly PublishedKind[],
  texts: Descriptions,
): JsonObject {
  const isCustom = kinds.some(({ schema }) => schema);
  return {
    openapi: "3.0.0",
    info: isCustom
      ? { title: "Kubernetes CRD Swagger", version: "v0.1.0" }
      : { title: "Kubernetes", version: kubernetesVersion.split(".").slice(0, 2).join(".").slice(1) },
    paths: Object.fromEntries(paths.map((path) => [path.path, pathItem(path, tag)])),
    components: {
      schemas: schemasOf(typesOf(paths), kinds, texts, { refPrefix, isV3: true }),
      ...(!isCustom && { securitySchemes }),
    },
  };
}

const documentOf = ({ group, version }: PublishedKind): string =>
  group ? `apis/${group}/${version}` : `api/${version}`;

/** What /openapi/v3 answers: where the documents are, by path ("api/v1", "apis/apps/v1"). */
export function openApiV3Index(kinds: readonly PublishedKind[]): {
  paths: Record<string, { serverRelativeURL: string }>;
} {
  const documents = Map.groupBy(kinds, documentOf);
  for (const general of generalDocuments(kinds).keys()) documents.set(general, []);
  const paths = [...documents].map(([path, own]): [string, { serverRelativeURL: string }] => [
    path,
    { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(own)}` },
  ]);
  return { paths: Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** A hash of what a document is made from: it changes when the document would, and costs nothing to make. */
export function hashOf(kinds: readonly PublishedKind[]): string {
  const hash = createHash("sha256").update(kubernetesVersion);
  for (const { group, version, kind, verbs, subresources, schema } of kinds) {
    hash.update(JSON.stringify([group, version, kind, verbs, Object.keys(subresources), schema]));
  }
  return hash.digest("hex").toUpperCase();
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
    name,
    in: place,
    ...(description && { description }),
    ...(place === "path" && { required: true }),
    schema: { type, uniqueItems: true },
  };
}

function operationItem(operation: OperationModel, path: string, tag: string, own: readonly string[]): JsonObject {
  const { id, description, action, kind, body, answer, codes } = operation;
  const content = (types: readonly string[], schema: JsonObject): JsonObject =>
    Object.fromEntries(types.map((type) => [type, { schema }]));
  const types = answerTypesOf(operation).toSorted();
  const schema = answer ? { $ref: refPrefix + answer } : { type: "string" };
  const response = (code: number): JsonObject => ({ description: statusTexts[code], content: content(types, schema) });
  return {
    tags: [tag],
    description,
    operationId: id,
    ...(own.length && { parameters: own.map((name) => parameter(name, path)) }),
    ...(body && {
      requestBody: {
        content: content(bodyTypesOf(operation).toSorted(), { $ref: refPrefix + body.type }),
        ...(body.required && { required: true }),
      },
    }),
    responses: {
      ...Object.fromEntries(codes.map((code) => [code, response(code)])),
      401: { description: "Unauthorized" },
    },
    ...(action && { "x-kubernetes-action": action }),
    ...(kind && { "x-kubernetes-group-version-kind": kind }),
  };
}
