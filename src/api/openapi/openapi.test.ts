import protobuf, { type Reader } from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { builtinKinds } from "../kinds/all.ts";
import type { PublishedKind } from "./published-kind.ts";
import { openApiV2 } from "./v2.ts";
import { encodeOpenApiV2 } from "./v2-protobuf.ts";
import { openApiV3, openApiV3Index } from "./v3.ts";
import { encodeOpenApiV3 } from "./v3-protobuf.ts";

type Json = Record<string, Record<string, Record<string, unknown>>>;

const custom: PublishedKind = {
  group: "life.example.com",
  version: "v1",
  kind: "Thing",
  plural: "things",
  scope: "Namespaced",
  verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
  subresources: {},
  type: "",
  schema: { type: "object", properties: { spec: { type: "object", properties: { a: { type: "string" } } } } },
};

/** Every reference in a document, by where it points. */
function referencesIn(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== "object" || value === null) return found;
  for (const [key, child] of Object.entries(value)) {
    if (key === "$ref" && typeof child === "string") found.add(child);
    else referencesIn(child, found);
  }
  return found;
}

describe("OpenAPI v3", () => {
  const apps = openApiV3("apis/apps/v1", builtinKinds, {
    "io.k8s.api.apps.v1.DeploymentSpec": { replicas: "How many." },
  }) as unknown as Json;
  const schemas = apps.components?.schemas as Record<string, { properties: Record<string, unknown> }>;

  test("says types with their defaults, merge rules and texts", () => {
    expect(schemas["io.k8s.api.apps.v1.DeploymentSpec"]).toMatchObject({
      required: ["selector", "template"],
      properties: {
        replicas: { description: "How many.", type: "integer", format: "int32" },
        strategy: {
          default: {},
          allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy" }],
          "x-kubernetes-patch-strategy": "retainKeys",
        },
      },
    });
    expect(schemas["io.k8s.api.core.v1.Container"]?.properties.ports).toMatchObject({
      "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
      "x-kubernetes-list-type": "map",
      "x-kubernetes-patch-merge-key": "containerPort",
    });
  });

  test("says operations as kubectl looks for them", () => {
    const item = apps.paths?.["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"] as Json;
    expect(item.patch).toMatchObject({
      operationId: "patchAppsV1NamespacedDeployment",
      "x-kubernetes-action": "patch",
      "x-kubernetes-group-version-kind": { group: "apps", version: "v1", kind: "Deployment" },
    });
    expect(JSON.stringify(item.patch?.parameters)).toContain("fieldValidation");
    expect(Object.keys(apps.paths ?? {})).toContain("/apis/apps/v1/watch/deployments");
  });

  test("every reference in every document leads somewhere", () => {
    const { paths } = openApiV3Index([...builtinKinds, custom]);
    for (const path of Object.keys(paths)) {
      const document = openApiV3(path, [...builtinKinds, custom]) as unknown as Json;
      for (const reference of referencesIn(document)) {
        expect(document.components?.schemas, `${path}: ${reference}`).toHaveProperty([
          reference.replace("#/components/schemas/", ""),
        ]);
      }
    }
    expect(openApiV3("apis/none/v1", builtinKinds)).toBeUndefined();
  });

  test("custom resources have their own schema, and no protobuf", () => {
    const document = openApiV3("apis/life.example.com/v1", [custom]) as unknown as Json;
    expect(document.components?.schemas?.["com.example.life.v1.Thing"]).toMatchObject({
      properties: { spec: { properties: { a: { type: "string" } } } },
      "x-kubernetes-group-version-kind": [{ group: "life.example.com", version: "v1", kind: "Thing" }],
    });
    expect(JSON.stringify(document.paths)).not.toContain("protobuf");
    expect(JSON.stringify(document.paths)).not.toContain("strategic");
  });

  test("names operations on collections after any version that a definition may have", () => {
    const document = openApiV3("apis/life.example.com/stable", [{ ...custom, version: "stable" }]) as unknown as Json;
    const collection = document.paths?.["/apis/life.example.com/stable/namespaces/{namespace}/things"] as Json;
    expect(collection.delete?.operationId).toBe("deleteLifeExampleComStableCollectionNamespacedThing");
  });

  test("the index's hashes change with what is published, and only then", () => {
    const before = openApiV3Index([custom]).paths["apis/life.example.com/v1"];
    expect(openApiV3Index([{ ...custom }]).paths["apis/life.example.com/v1"]).toEqual(before);
    const after = openApiV3Index([{ ...custom, schema: { type: "object" } }]).paths["apis/life.example.com/v1"];
    expect(after).not.toEqual(before);
  });

  test("has a protobuf form with all schemas and paths", () => {
    const found = { version: "", schemas: 0, paths: 0 };
    for (const [number, reader] of fieldsOf(encodeOpenApiV3(apps))) {
      if (number === 1) found.version = reader.string();
      else if (number === 4) found.paths = countFields(reader.bytes(), 1);
      else if (number === 5)
        for (const [part, inner] of fieldsOf(reader.bytes()))
          if (part === 1) found.schemas = countFields(inner.bytes(), 1);
          else inner.skipType(2);
      else reader.skipType(2);
    }
    expect(found).toEqual({
      version: "3.0.0",
      schemas: Object.keys(schemas).length,
      paths: Object.keys(apps.paths ?? {}).length,
    });
  });
});

/** The fields of a message, each with a reader that stands at its value. */
function* fieldsOf(bytes: Uint8Array): Generator<[number: number, reader: Reader]> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) yield [reader.uint32() >>> 3, reader];
}

function countFields(bytes: Uint8Array, wanted: number): number {
  let count = 0;
  for (const [number, reader] of fieldsOf(bytes)) {
    if (number === wanted) count += 1;
    reader.skipType(2);
  }
  return count;
}

describe("OpenAPI v2", () => {
  const document = openApiV2([...builtinKinds, custom]) as unknown as Json;

  test("says what is read beside kinds, with the forms that these answers have", () => {
    const operation = (path: string) => (document.paths?.[path] as Json | undefined)?.get;
    expect(operation("/openid/v1/jwks/")).toMatchObject({ tags: ["openid"], produces: ["application/jwk-set+json"] });
    expect(operation("/openid/v1/jwks/")).not.toHaveProperty("consumes");
    expect(operation("/.well-known/openid-configuration/")).toMatchObject({ tags: ["WellKnown"] });
    expect(operation("/version/")).toMatchObject({ consumes: ["application/json"], produces: ["application/json"] });
    expect(operation("/apis/apps/")).toMatchObject({ tags: ["apps"], operationId: "getAppsAPIGroup" });
    expect(operation("/apis/life.example.com/")).toBeUndefined();
    const log = operation("/api/v1/namespaces/{namespace}/pods/{name}/log");
    expect(log?.produces).toContain("text/plain");
  });

  test("every reference leads somewhere", () => {
    for (const reference of referencesIn(document)) {
      expect(document.definitions).toHaveProperty([reference.replace("#/definitions/", "")]);
    }
    expect(document.definitions?.["io.k8s.api.core.v1.Pod"]).toMatchObject({ type: "object" });
  });

  test("has a protobuf form with all definitions and paths", () => {
    const found = { version: "", definitions: 0, paths: 0 };
    for (const [number, reader] of fieldsOf(encodeOpenApiV2(document as never))) {
      if (number === 1) found.version = reader.string();
      else if (number === 8) found.paths = countFields(reader.bytes(), 2);
      else if (number === 9) found.definitions = countFields(reader.bytes(), 1);
      else reader.skipType(2);
    }
    expect(found).toEqual({
      version: "2.0",
      definitions: Object.keys(document.definitions ?? {}).length,
      paths: Object.keys(document.paths ?? {}).length,
    });
  });

  test("says of custom resources what kubectl must know, and nothing that it would misread", () => {
    const published = (schema: PublishedKind["schema"]) => {
      const { definitions } = openApiV2([{ ...custom, ...(schema && { schema }) }], {
        "io.k8s.api.core.v1.ConfigMap": { apiVersion: "Which version." },
      }) as unknown as Json;
      return definitions?.["com.example.life.v1.Thing"];
    };
    const open = { "x-kubernetes-preserve-unknown-fields": true };
    expect(published({ type: "object", properties: { spec: { type: "string" } }, ...open })).not.toHaveProperty(
      "properties",
    );
    const fields = {
      open: { type: "object", properties: { a: { type: "string" } }, ...open },
      nullable: { type: "array", items: { type: "string" }, nullable: true },
      either: { type: "integer", anyOf: [{ minimum: 1 }] },
      embedded: { type: "object", "x-kubernetes-embedded-resource": true },
    };
    expect(published({ type: "object", required: ["nullable", "either"], properties: fields })).toMatchObject({
      required: ["either"],
      properties: {
        apiVersion: { type: "string", description: "Which version." },
        metadata: { $ref: "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" },
        open,
        nullable: {},
        either: { type: "integer" },
        embedded: { type: "object", required: ["kind", "apiVersion"], properties: { kind: { type: "string" } } },
      },
    });
  });
});
