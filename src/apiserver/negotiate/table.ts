import { plainColumns } from "../../api/columns.ts";
import type { Column } from "../../api/kind.ts";
import type { AnyObject, ObjectMeta } from "../../api/object.ts";
import { badRequest } from "../../api/status.ts";
import type { Resource } from "../registry/resources.ts";

/** What a row of a table carries beside its cells. */
export type IncludeObject = "Metadata" | "Object" | "None";

/** @throws {StatusError} BadRequest for anything else */
export function includeObjectFrom(text: string | null): IncludeObject {
  if (!text) return "Metadata";
  if (text === "Metadata" || text === "Object" || text === "None") return text;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

export interface TableOptions {
  readonly version: "v1" | "v1beta1";
  readonly include: IncludeObject;
  readonly now: number;
  /** Absent from all events of a watch but the first. */
  readonly withColumns: boolean;
}

/** The table of objects that `kubectl get` prints (Kubernetes docs, "API concepts", "Receiving resources as Tables"). */
export function tableOf(
  resource: Resource,
  objects: readonly AnyObject[],
  metadata: Partial<ObjectMeta>,
  options: TableOptions,
): AnyObject {
  const { columns } = resource.kind;
  const rows = objects.map((object) => ({
    cells: columns.map((column) => column.cell(object, options.now) ?? null),
    object: shown(resource, object, options),
  }));
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata: metadata as ObjectMeta,
    columnDefinitions: options.withColumns ? columns.filter(({ undeclared }) => !undeclared).map(definitionOf) : null,
    rows: objects.length === 0 && columns === plainColumns ? null : rows,
  };
}

function shown(resource: Resource, object: AnyObject, { include, version }: TableOptions): unknown {
  if (include === "None") return null;
  return include === "Object" ? object : metadataOnly(resource, object, version);
}

function definitionOf({ name, type, format, description, priority }: Column): Record<string, unknown> {
  return { name, type, format: format ?? "", description: description ?? "", priority: priority ?? 0 };
}

/** An object without anything but its metadata. */
export function metadataOnly({ kind }: Resource, { metadata }: AnyObject, version: TableOptions["version"]): AnyObject {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: withoutAnnotations(
      metadata.name === "" ? { ...metadata, name: undefined as never } : metadata,
      kind.fieldAnnotations,
    ),
  };
}

function withoutAnnotations(metadata: ObjectMeta, names: readonly string[] | undefined): ObjectMeta {
  if (!names || !metadata.annotations) return metadata;
  const kept = Object.entries(metadata.annotations).filter(([name]) => !names.includes(name));
  const { annotations: _, ...rest } = metadata;
  return kept.length > 0 ? { ...metadata, annotations: Object.fromEntries(kept) } : rest;
}
