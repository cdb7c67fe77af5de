import { since } from "../../../api/columns.ts";
import { type Column, defineKind, type Kind, type KindDefinition, statusAlone } from "../../../api/kind.ts";
import type { AnyObject } from "../../../api/object.ts";
import { nodeFromSchema } from "../../../api/schema/structural.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from "../../../api/schema/types.ts";
import type { WebhookClient } from "../../webhooks/client.ts";
import { valueAt } from "../paths.ts";
import { type CustomSchema, type Resource, resourceFrom } from "../resources.ts";
import { converterFrom } from "./conversion.ts";
import { finalizerWarnings } from "./finalizer-warnings.ts";
import { judgeOf } from "./judge.ts";

/** What a definition adds to the catalog: a resource for each version that is served. */
export function resourcesFrom({ spec, status }: CustomResourceDefinition, webhooks: WebhookClient): Resource[] {
  const storage = spec.versions.find((version) => version.storage);
  if (!storage) return [];
  const names = { ...spec.names, ...status?.acceptedNames };
  const home = kindFrom(spec, names, storage, undefined);
  const convert = converterFrom(spec, webhooks);
  return spec.versions
    .filter(({ served }) => served)
    .map((version) => {
      const kind = version === storage ? home : kindFrom(spec, names, version, storage.name);
      const resource = resourceFrom(kind, home, { ...schemaFrom(version), convert });
      return { ...resource, deprecation: deprecationOf(version, resource) };
    });
}

type Spec = CustomResourceDefinition["spec"];
type Names = Spec["names"];

const sameForm = (object: Record<string, unknown>): Record<string, unknown> => object;

function kindFrom(spec: Spec, names: Names, version: CustomResourceDefinitionVersion, storedAs?: string): Kind {
  const { status, scale } = version.subresources ?? {};
  const definition: KindDefinition<AnyObject> = {
    group: spec.group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular || names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    scope: spec.scope === "Cluster" ? "Cluster" : "Namespaced",
    type: "",
    generation: true,
    unconditionalUpdate: false,
    trustsOldMetadata: true,
    selectable: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, "")),
    columns: columnsOf(version),
    warnings: finalizerWarnings,
    subresources: {
      ...(status && { status: statusAlone }),
      ...(scale && {
        scale: {
          specReplicas: scale.specReplicasPath,
          statusReplicas: scale.statusReplicasPath,
          ...(scale.labelSelectorPath && { selector: scale.labelSelectorPath }),
        },
      }),
    },
    ...(storedAs !== undefined && {
      stored: { group: spec.group, version: storedAs, to: sameForm, from: sameForm },
    }),
  };
  return defineKind(definition) as unknown as Kind;
}

function schemaFrom({ schema, subresources }: CustomResourceDefinitionVersion): CustomSchema {
  const published = schema?.openAPIV3Schema;
  const judge = published && judgeOf(published, subresources);
  return {
    node: nodeFromSchema(published),
    hasDefaults: JSON.stringify(published ?? null).includes('"default"'),
    published,
    validate: (object, options) => judge?.(object, options) ?? [],
  };
}

function deprecationOf(version: CustomResourceDefinitionVersion, { groupVersion, kind }: Resource): string | undefined {
  if (!version.deprecated) return undefined;
  return version.deprecationWarning ?? `${groupVersion} ${kind.kind} is deprecated`;
}

function columnsOf({ additionalPrinterColumns }: CustomResourceDefinitionVersion): Column[] {
  const name: Column = {
    name: "Name",
    type: "string",
    format: "name",
    cell: ({ metadata }) => metadata.name,
  };
  const columns = additionalPrinterColumns ?? [{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }];
  return [
    name,
    ...columns.map((column): Column => {
      const {
        name: title,
        type,
        format,
        description,
        priority,
        jsonPath,
      } = column as typeof column & {
        format?: string;
        description?: string;
        priority?: number;
      };
      return {
        name: title,
        type: type as Column["type"],
        ...(format && { format }),
        ...(description && { description }),
        ...(priority !== undefined && { priority }),
        cell: (object, now) => cellOf(object as AnyObject, jsonPath, type, now),
      };
    }),
  ];
}

/** The simple JSONPath of printer columns: fields, positions, and items picked by a field's value. */
function readPath(object: unknown, path: string): unknown[] {
  let values: unknown[] = [object];
  for (const [, field, key, filter] of path.matchAll(/\.([\w-]+)|\[['"]?([^\]?'"]+)['"]?\]|\[\?\(@\.([^)]+)\)\]/g))
    values = values.flatMap((value) => step(value, field ?? key, filter)).filter((value) => value !== undefined);
  return values;
}

function step(value: unknown, key: string | undefined, filter: string | undefined): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (filter !== undefined) {
    const [, name = "", wanted = ""] = /^([\w.-]+)\s*==\s*['"]?([^'"]*)['"]?$/.exec(filter) ?? [];
    return Object.values(value).filter((item) => String(valueAt(item, name)) === wanted);
  }
  if (key === "*") return Object.values(value);
  return [(value as Record<string, unknown>)[key ?? ""]];
}

function cellOf(object: AnyObject, path: string, type: string, now: number): unknown {
  const values = readPath(object, path);
  const [value] = values;
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
    case "number":
      return typeof value === "number" ? value : Number.isFinite(Number(value)) ? Number(value) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return since(String(value), now);
    default:
      return values.map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item))).join(",");
  }
}
