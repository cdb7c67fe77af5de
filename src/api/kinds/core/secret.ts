import { isDeepStrictEqual } from "node:util";
import { ageColumn, nameColumn } from "../../columns.ts";
import type { FieldError, Path } from "../../field.ts";
import { defineKind } from "../../kind.ts";
import { JsonError, NumberText, parseJson } from "../../schema/json.ts";
import type { Secret } from "../../schema/types.ts";
import { configMapKey } from "../../validate/names.ts";
import { pairFault } from "./tls-pair.ts";

/** How much a ConfigMap or a Secret may hold. */
export const maxDataBytes = 1024 * 1024;
export const immutableText = "field is immutable when `immutable` is set";

/** Kubernetes docs, "Secrets", section "Types of Secret": the keys that a Secret of a type must have, one entry or all. */
const keysOfType: Readonly<
  Record<string, { readonly keys: readonly string[]; readonly any?: true; readonly json?: true }>
> = {
  "kubernetes.io/dockercfg": { keys: [".dockercfg"], json: true },
  "kubernetes.io/dockerconfigjson": { keys: [".dockerconfigjson"], json: true },
  "kubernetes.io/basic-auth": { keys: ["username", "password"], any: true },
  "kubernetes.io/ssh-auth": { keys: ["ssh-privatekey"] },
  "kubernetes.io/tls": { keys: ["tls.crt", "tls.key"] },
};
const accountAnnotation = "kubernetes.io/service-account.name";

export const secret = defineKind<Secret>({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  scope: "Namespaced",
  selectable: ["type"],
  columns: [
    nameColumn,
    { name: "Type", type: "string", cell: ({ type }) => type ?? "" },
    { name: "Data", type: "string", cell: ({ data = {} }) => Object.keys(data).length },
    ageColumn,
  ],

  warnings({ type, data = {} }) {
    if (type !== "kubernetes.io/tls") return [];
    const text = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString("latin1");
    const fault = pairFault(text("tls.crt"), text("tls.key"));
    return fault === undefined ? [] : [fault];
  },

  defaults(secret) {
    secret.type ||= "Opaque";
    // Written as text, kept as bytes.
    for (const [key, text] of Object.entries(secret.stringData ?? {})) {
      secret.data ??= {};
      secret.data[key] = Buffer.from(text).toString("base64");
    }
    delete secret.stringData;
  },

  validate(secret, root) {
    const { data = {}, metadata, type = "" } = secret;
    const at = root.child("data");
    const errors: FieldError[] = [];
    let bytes = 0;
    for (const key of Object.keys(data).sort()) {
      errors.push(...configMapKey(key).map((wrong) => at.key(key).invalid(key, wrong)));
      bytes += Buffer.byteLength(data[key] ?? "", "base64");
    }
    if (bytes > maxDataBytes) errors.push(at.tooLong(maxDataBytes));
    if (type === "kubernetes.io/service-account-token" && !metadata.annotations?.[accountAnnotation])
      errors.push(root.child("metadata", "annotations").key(accountAnnotation).required());
    return [...errors, ...validateKeysOfType(type, data, at)];
  },

  changesFirst: true,
  validateUpdate(secret, old, root) {
    const errors = secret.type === old.type ? [] : [root.child("type").invalid(secret.type, "field is immutable")];
    if (!old.immutable) return errors;
    return [
      ...errors,
      ...(secret.immutable ? [] : [root.child("immutable").forbidden(immutableText)]),
      ...(isDeepStrictEqual(secret.data, old.data) ? [] : [root.child("data").forbidden(immutableText)]),
    ];
  },
});

function validateKeysOfType(type: string, data: Readonly<Record<string, string>>, at: Path): FieldError[] {
  const wanted = keysOfType[type];
  if (!wanted) return [];
  const present = (key: string) => (type === "kubernetes.io/ssh-auth" ? Boolean(data[key]) : key in data);
  const missing = wanted.keys.filter((key) => !present(key));
  if (wanted.any ? missing.length === wanted.keys.length : missing.length > 0)
    return missing.map((key) => at.key(key).required());
  return wanted.json ? wanted.keys.flatMap((key) => validateJson(data[key] ?? "", at.key(key))) : [];
}

function validateJson(base64: string, at: Path): FieldError[] {
  const redacted = "<secret contents redacted>";
  try {
    const { value } = parseJson(Buffer.from(base64, "base64").toString());
    const kind = jsonKind(value);
    if (kind === "object" || kind === "null") return [];
    const why = `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
    return [at.invalid(redacted, why)];
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return [at.invalid(redacted, error.message)];
  }
}

function jsonKind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof NumberText) return "number";
  return typeof value === "boolean" ? "bool" : typeof value;
}
