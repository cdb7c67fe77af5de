import { createHash } from "node:crypto";
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

const refPrefix = "#/components/schemas/";
const answers = ["application/json", "application/vnd.kubernetes.protobuf", "application/yaml"];
const streams = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
const patches = [
  "application/apply-patch+yaml",
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
];

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
  const general = generalPath(document);
  const [first] = own;
  if (!first) return general && generalDocument(document, general, kinds, texts);
  const { group, version } = first;
  return documentFrom(pathsOf(group, version, own), tagOf(group, version), own, texts);
}

function generalDocument(
  document: string,
  path: PathModel,
  kinds: readonly PublishedKind[],
  texts: Descriptions,
): JsonObject | undefined {
  const group = /^apis\/([^/]+)$/.exec(document)?.[1];
  if (group && !kinds.some((kind) => kind.group === group && !kind.schema)) return undefined;
  const tag = group ? tagOf(group, "").replace(/_$/, "") : (document.split("/")[0] ?? "").replace(/^api$/, "core");
  return documentFrom([path], tag, [], texts);
}

const securitySchemes = {
  BearerToken: {
    type: "apiKey",
    description: "Bearer Token authentication",
    name: "authorization",
    in: "header",
  },
};

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

const generalDocuments = [".well-known/openid-configuration", "api", "apis", "openid/v1/jwks", "version"];

/** What /openapi/v3 answers: where the documents are, by path ("api/v1", "apis/apps/v1"). */
export function openApiV3Index(kinds: readonly PublishedKind[]): {
  paths: Record<string, { serverRelativeURL: string }>;
} {
  const documents = Map.groupBy(kinds, documentOf);
  const groups = new Set(kinds.filter(({ group, schema }) => group && !schema).map(({ group }) => `apis/${group}`));
  for (const general of [...generalDocuments, ...groups]) documents.set(general, []);
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

/** All types that operations take or give. */
export function typesOf(paths: readonly PathModel[]): Set<string> {
  const operations = paths.flatMap((path) => path.operations);
  return new Set(operations.flatMap(({ body, answer }) => [body?.type, answer].filter((type) => type !== undefined)));
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
  const types = answerTypes(operation);
  const schema = answer ? { $ref: refPrefix + answer } : { type: "string" };
  const response = (code: number): JsonObject => ({ description: statusTexts[code], content: content(types, schema) });
  return {
    tags: [tag],
    description,
    operationId: id,
    ...(own.length && { parameters: own.map((name) => parameter(name, path)) }),
    ...(body && {
      requestBody: {
        content: content(bodyTypes(operation), { $ref: refPrefix + body.type }),
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

function bodyTypes({ body, isCustom }: OperationModel): readonly string[] {
  if (!body?.isPatch) return isCustom ? answers.filter((type) => !type.includes("protobuf")) : ["*/*"];
  return isCustom ? patches.filter((type) => !type.includes("strategic")) : patches;
}

function answerTypes({ action, answer, streams: isStream, isCustom }: OperationModel): readonly string[] {
  if (action === "connect") return ["*/*"];
  if (isCustom) return answers.filter((type) => !type.includes("protobuf"));
  if (!answer) return [...answers, "text/plain"].sort();
  return isStream ? [...answers, ...streams].sort() : answers;
}

export const statusTexts: Record<number, string> = { 200: "OK", 201: "Created", 202: "Accepted" };
