import { humanDuration } from "./duration.ts";
import type { Column } from "./kind.ts";
import type { KubeObject } from "./object.ts";

/** The column that most tables begin with. */
export const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  cell: ({ metadata }) => metadata.name,
};

/** How long ago the object was created, as kubectl prints it. */
export const ageColumn: Column = {
  name: "Age",
  type: "string",
  cell: ({ metadata }, now) => since(metadata.creationTimestamp, now),
};

/** What a kind without columns of its own shows. */
export const plainColumns: readonly Column[] = [
  nameColumn,
  { name: "Created At", type: "date", cell: ({ metadata }) => metadata.creationTimestamp },
];

/** The columns of one version of a resource, for objects of another one. */
export function columnsThrough<From extends KubeObject, To extends KubeObject>(
  columns: readonly Column<To>[],
  convert: (object: From) => To,
): Column<From>[] {
  return columns.map((column) => ({ ...column, cell: (object, now) => column.cell(convert(object), now) }));
}

/** The time since then in kubectl's short form. */
export function since(time: string | null | undefined, now: number): string {
  const then = time ? Date.parse(time) : Number.NaN;
  return Number.isNaN(then) ? "<unknown>" : humanDuration(now - then);
}
