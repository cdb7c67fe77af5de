import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import type { ConfigMap } from "../../schema/types.ts";
import { configMapKey } from "../../validate/names.ts";
import { immutableText, maxDataBytes } from "./secret.ts";

export const configMap = defineKind<ConfigMap>({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  scope: "Namespaced",
  columns: [
    nameColumn,
    {
      name: "Data",
      type: "string",
      cell: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length,
    },
    ageColumn,
  ],

  validate({ data = {}, binaryData = {} }, root) {
    const errors: FieldError[] = [];
    let bytes = 0;
    for (const [key, value] of Object.entries(data).sort(byKey)) {
      errors.push(...validateKey(key, root.child("data")));
      if (key in binaryData)
        errors.push(root.child("data").key(key).invalid(key, "duplicate of key present in binaryData"));
      bytes += Buffer.byteLength(value);
    }
    for (const [key, value] of Object.entries(binaryData).sort(byKey)) {
      errors.push(...validateKey(key, root.child("binaryData")));
      bytes += Buffer.byteLength(value, "base64");
    }
    // About the object as a whole: the field has no name.
    if (bytes > maxDataBytes) errors.push({ ...root.tooLong(maxDataBytes), field: "[]" });
    return errors;
  },

  changesFirst: true,
  validateUpdate(config, old, root) {
    if (!old.immutable) return [];
    return [
      ...(config.immutable ? [] : [root.child("immutable").forbidden(immutableText)]),
      ...(["data", "binaryData"] as const)
        .filter((field) => !isDeepStrictEqual(config[field], old[field]))
        .map((field) => root.child(field).forbidden(immutableText)),
    ];
  },
});

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function validateKey(key: string, at: Path): FieldError[] {
  return configMapKey(key).map((wrong) => at.key(key).invalid(key, wrong));
}
