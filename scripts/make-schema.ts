/**
 * Makes src/api/schema/table.json and src/api/schema/types.ts from Kubernetes' published documents: swagger.json (OpenAPI v2),
 * protobuf-fields.json (field numbers), and scripts/go-facts.json.
 *
 *   node scripts/make-schema.ts [--check] [FOLDER]
 *
 * FOLDER (or SKIFF_REFERENCE) holds the two documents; without it, ../shared/reference beside the project. Where they are
 * absent, nothing is changed. --check writes nothing and fails when the files are not what would be written.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TypeFacts } from "./make-go-facts.ts";

interface Property {
  $ref?: string;
  type?: string;
  format?: string;
  items?: Property;
  additionalProperties?: Property;
  "x-kubernetes-list-type"?: string;
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-map-type"?: string;
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-patch-strategy"?: string;
}
interface Definition {
  type?: string;
  required?: string[];
  properties?: Record<string, Property>;
  "x-kubernetes-map-type"?: string;
  "x-kubernetes-unions"?: unknown[];
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}
type ProtoFields = Record<string, [number: number, type: string]>;

/** One type of the table; src/api/schema/table.ts says how a field's text reads. */
interface TableType {
  kinds?: string[];
  atomic?: true;
  unions?: unknown[];
  fields: Record<string, string>;
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const extensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";
/** Types that are not objects with fields, and their letter in the table. */
const leaves: Record<string, string> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "o",
  [`${meta}.Time`]: "t",
  [`${meta}.MicroTime`]: "m",
  [`${meta}.Duration`]: "u",
  [`${meta}.FieldsV1`]: "f",
  [`${meta}.Patch`]: "r",
  "io.k8s.apimachinery.pkg.runtime.RawExtension": "r",
  [`${extensions}.JSON`]: "j",
  [`${extensions}.JSONSchemaPropsOrArray`]: "x",
  [`${extensions}.JSONSchemaPropsOrBool`]: "y",
  [`${extensions}.JSONSchemaPropsOrStringArray`]: "z",
};
/** Kinds that clients ask for and no document names. */
const metaKinds: Record<string, string[]> = Object.fromEntries(
  ["PartialObjectMetadata", "PartialObjectMetadataList"].map((kind) => [`${meta}.${kind}`, [`meta.k8s.io/v1/${kind}`]]),
);
const scalars: Record<string, string> = {
  "string/": "s",
  "string/byte": "c",
  "string/date-time": "t",
  "boolean/": "b",
  "integer/int32": "i",
  "integer/int64": "l",
  "number/double": "d",
};
const protoScalars: Record<string, string> = {
  string: "s",
  bool: "b",
  int32: "i",
  int64: "l",
  double: "d",
  bytes: "c",
};

const checking = process.argv.includes("--check");
const folder =
  process.argv.slice(2).find((argument) => !argument.startsWith("--")) ??
  process.env.SKIFF_REFERENCE ??
  join(import.meta.dirname, "../../shared/reference");
function main(reference: string): void {
  if (!existsSync(join(reference, "swagger.json"))) {
    console.log(`make-schema: no swagger.json in ${folder}: nothing made, nothing checked`);
    return;
  }
  const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
  const swagger = read(join(reference, "swagger.json")) as { definitions: Record<string, Definition> };
  const proto = read(join(reference, "protobuf-fields.json")) as {
    kubernetes: string;
    messages: Record<string, ProtoFields>;
  };
  const facts = read(join(import.meta.dirname, "go-facts.json")) as Record<string, TypeFacts>;

  const source = new Source(swagger.definitions, proto.messages, facts);
  const types = Object.fromEntries(source.names.map((name) => [name, source.tableType(name)]));
  const lines = Object.entries(types).map(([name, type]) => `${JSON.stringify(name)}:${JSON.stringify(type)}`);
  const table = `{"version":${JSON.stringify(proto.kubernetes)},"types":{\n${lines.join(",\n")}\n}}\n`;
  const out = join(import.meta.dirname, "../src/api/schema");
  put(join(out, "table.json"), table);
  put(join(out, "types.ts"), typesFrom(swagger.definitions, types));
}

function put(path: string, text: string): void {
  const same = existsSync(path) && readFileSync(path, "utf8") === text;
  if (checking && !same) {
    console.error(`make-schema: ${path} is not up to date: run npm run make-schema`);
    process.exitCode = 1;
  }
  if (!checking && !same) writeFileSync(path, text);
  console.log(`make-schema: ${path}: ${text.length} characters${same ? ", unchanged" : ""}`);
}

/** The published documents, read together. */
class Source {
  readonly names: readonly string[];
  readonly #definitions: Record<string, Definition>;
  readonly #messages: Map<string, ProtoFields>;
  readonly #facts: Record<string, TypeFacts>;

  constructor(
    definitions: Record<string, Definition>,
    messages: Record<string, ProtoFields>,
    facts: Record<string, TypeFacts>,
  ) {
    this.#definitions = definitions;
    this.#messages = new Map(Object.entries(messages).map(([name, fields]) => [definitionName(name), fields]));
    this.#facts = facts;
    const all = new Set([...Object.keys(definitions), ...this.#messages.keys()]);
    this.names = [...all].filter((name) => !(name in leaves) && !name.startsWith("io.k8s.metrics")).sort();
  }

  tableType(name: string): TableType {
    const definition = this.#definitions[name];
    const published = definition?.["x-kubernetes-group-version-kind"]?.map(
      ({ group, version, kind }) => `${group}/${version}/${kind}`,
    );
    // Types like DeleteOptions are a kind of every group.
    const kinds =
      published && published.length > 1 ? [`*/*/${name.split(".").at(-1)}`] : (published ?? metaKinds[name]);
    const fields = definition ? this.#published(name, definition) : {};
    for (const [field, [number, type]] of Object.entries(this.#messages.get(name) ?? {})) {
      const key = jsonName(name, field);
      const isPublished = Object.keys(fields).some((other) => other.toLowerCase() === key.toLowerCase());
      if (!isPublished) fields[key] = this.#wireField(name, field, number, type);
    }
    return {
      ...(kinds && { kinds }),
      ...(definition?.["x-kubernetes-map-type"] === "atomic" && { atomic: true }),
      ...(definition?.["x-kubernetes-unions"] && { unions: definition["x-kubernetes-unions"] }),
      fields,
    };
  }

  #published(name: string, definition: Definition): Record<string, string> {
    const numbers = new Map(
      Object.entries(this.#messages.get(name) ?? {}).map(([field, [number]]) => [
        jsonName(name, field).toLowerCase(),
        number,
      ]),
    );
    const fields = Object.entries(definition.properties ?? {}).map(([field, property]) => {
      const required = definition.required?.includes(field) ? "!" : "";
      const number = numbers.get(field.toLowerCase());
      const marks = `${required}${this.#goMarks(name, field)}`;
      const tokens = [this.#type(property), number ?? "", marks && `:${marks}`, ...extensionsOf(property)];
      const goType = this.#goFacts(name, field)?.goTypes?.[field];
      const fallback = this.#goFacts(name, field)?.defaults?.[field];
      const values = this.#goFacts(name, field)?.enums?.[field];
      return [
        field,
        [
          ...tokens,
          values && `E=${values.join(",")}`,
          goType && `T=${goType}`,
          fallback !== undefined && `D=${JSON.stringify(fallback)}`,
        ]
          .filter(Boolean)
          .join(" "),
      ];
    });
    return Object.fromEntries(fields);
  }

  /** A field that only the protobuf form has: an embedded struct, or a field of a type that is never published. */
  #wireField(owner: string, field: string, number: number, type: string): string {
    const one = type.replace(/^repeated /, "");
    const map = /^map<string, (.*)>$/.exec(one)?.[1];
    const target = this.#protoType(owner, map ?? one);
    const embedded = this.#definitions[owner] !== undefined && target.startsWith("#");
    const prefix = map ? "{" : type.startsWith("repeated ") ? "[" : "";
    const marks = embedded ? "e" : this.#goMarks(owner, field);
    return [`${prefix}${target}`, number, marks && `:${marks}`].filter((token) => token !== "").join(" ");
  }

  #protoType(owner: string, type: string): string {
    const scalar = protoScalars[type];
    if (scalar) return scalar;
    const name = type.startsWith(".") ? definitionName(type.slice(1)) : owner.replace(/[^.]*$/, type);
    return this.#reference(name);
  }

  #reference(name: string): string {
    const leaf = leaves[name];
    if (leaf) return leaf;
    const index = this.names.indexOf(name);
    if (index < 0) throw new Error(`no type ${name}`);
    return `#${index}`;
  }

  #type(property: Property): string {
    if (property.$ref) return this.#reference(property.$ref.replace("#/definitions/", ""));
    if (property.type === "array") return `[${this.#type(property.items ?? {})}`;
    if (property.type === "object")
      return property.additionalProperties ? `{${this.#type(property.additionalProperties)}` : "r";
    const letter = scalars[`${property.type}/${property.format ?? ""}`];
    if (!letter) throw new Error(`no letter for ${JSON.stringify(property)}`);
    return letter;
  }

  /** `*` pointer, `+` written even when empty, `0` left out only when zero. */
  #goMarks(name: string, field: string): string {
    const facts = this.#goFacts(name, field);
    const marks = [facts?.pointers?.includes(field) && "*", facts?.always?.includes(field) && "+"];
    return [...marks, facts?.omitZero?.includes(field) && "0"].filter(Boolean).join("");
  }

  /** The facts of the struct that declares the field: the type's own, or one that is embedded in it. */
  #goFacts(name: string, field: string): TypeFacts | undefined {
    const own = this.#facts[name];
    if (!own?.embedded) return own;
    const knows = (facts: TypeFacts | undefined): boolean =>
      [
        facts?.pointers,
        facts?.always,
        facts?.omitZero,
        Object.keys({ ...facts?.goTypes, ...facts?.defaults, ...facts?.enums }),
      ].some((list) => list?.includes(field));
    if (knows(own)) return own;
    const inside = own.embedded.map((type) => name.replace(/[^.]*$/, type)).map((type) => this.#goFacts(type, field));
    return inside.find(knows) ?? own;
  }
}

function extensionsOf(property: Property): string[] {
  const list = property["x-kubernetes-list-type"];
  const keys = property["x-kubernetes-list-map-keys"];
  const map = property["x-kubernetes-map-type"];
  const mergeKey = property["x-kubernetes-patch-merge-key"];
  const strategy = property["x-kubernetes-patch-strategy"];
  return [
    list ? `L=${list}${keys ? `,${keys.join(",")}` : ""}` : "",
    map ? `M=${map}` : "",
    mergeKey ? `K=${mergeKey}` : "",
    strategy ? `S=${strategy}` : "",
  ];
}

/** "k8s.io.api.core.v1.Pod" is "io.k8s.api.core.v1.Pod" in the published documents. */
function definitionName(message: string): string {
  return message
    .replace(/^k8s\.io\./, "io.k8s.")
    .replace("apiextensions_apiserver", "apiextensions-apiserver")
    .replace("kube_aggregator", "kube-aggregator");
}

/** The JSON name of a protobuf field, but for the case of its letters; they differ where JSON's name is no identifier. */
function jsonName(type: string, field: string): string {
  if (type !== `${extensions}.JSONSchemaProps`) return field;
  if (field === "ref" || field === "schema") return `$${field}`;
  return field.startsWith("xKubernetes") ? field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) : field;
}

// ---- types.ts

const groupOrder = [
  "core",
  "meta",
  "apps",
  "batch",
  "rbac",
  "authentication",
  "authorization",
  "networking",
  "policy",
  "storage",
  "discovery",
  "autoscaling",
];

function typesFrom(definitions: Record<string, Definition>, types: Record<string, TableType>): string {
  const names = Object.keys(types);
  const published = names.filter((name) => definitions[name]);
  const short = shortNames(published);
  const interfaces = published
    .filter((name) => !own.has(name))
    .map((name) => [short.get(name) ?? "", interfaceFrom(short.get(name) ?? "", types[name]!, names, short)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, text]) => text);
  return [
    "// Made by scripts/make-schema.ts from Kubernetes' published API document; not edited by hand.",
    'import type { FieldsV1, KubeObject, ManagedFieldsEntry, ObjectMeta, OwnerReference } from "../object.ts";',
    "",
    interfaces.join("\n\n"),
    "",
  ].join("\n");
}

/** Declared by hand in api/object.ts. */
const own = new Set(["ObjectMeta", "OwnerReference", "ManagedFieldsEntry"].map((name) => `${meta}.${name}`));

function shortNames(names: readonly string[]): Map<string, string> {
  const parts = (name: string) => {
    const [kind = "", version = "", group = ""] = name.split(".").reverse();
    return { kind, version, group };
  };
  const rank = (name: string): string => {
    const { group, version } = parts(name);
    const order = groupOrder.indexOf(group);
    const stable = /^v\d+$/.test(version) ? `0${99 - Number(version.slice(1))}` : `1${version}`;
    return `${String(order < 0 ? 99 : order).padStart(2, "0")} ${group} ${stable}`;
  };
  const byKind = Map.groupBy(names, (name) => parts(name).kind);
  const result = new Map<string, string>();
  for (const [kind, same] of byKind) {
    const [first = "", ...others] = same.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    result.set(first, kind);
    for (const name of others) {
      const { version, group } = parts(name);
      const suffix = pascal(version);
      result.set(name, group === parts(first).group ? `${kind}${suffix}` : `${pascal(group)}${suffix}${kind}`);
    }
  }
  return result;
}

function pascal(text: string): string {
  return text.replace(/(^|\d)([a-z])/g, (_, digit: string, letter: string) => `${digit}${letter.toUpperCase()}`);
}

function interfaceFrom(
  short: string,
  type: TableType,
  names: readonly string[],
  shorts: ReadonlyMap<string, string>,
): string {
  const objectMeta = `#${names.indexOf(`${meta}.ObjectMeta`)}`;
  const isKind = type.kinds && type.fields.metadata?.split(" ")[0] === objectMeta;
  const isList = type.kinds && !isKind && !type.kinds[0]?.startsWith("*");
  const members = Object.entries(type.fields).flatMap(([field, text]) => {
    const [code = "", ...tokens] = text.split(" ");
    const marks = tokens.find((token) => token.startsWith(":")) ?? "";
    if (marks.includes("e") || (isKind && ["apiVersion", "kind", "metadata"].includes(field))) return [];
    const required =
      marks.includes("!") || (isKind && field === "spec") || (isList && ["apiVersion", "kind"].includes(field));
    return [
      `  ${/^\w+$/.test(field) ? field : JSON.stringify(field)}${required ? "" : "?"}: ${typeText(code, names, shorts)};`,
    ];
  });
  const heading = `export interface ${short}${isKind ? " extends KubeObject" : ""} {`;
  return members.length ? `${heading}\n${members.join("\n")}\n}` : `${heading}}`;
}

const leafTexts: Record<string, string> = {
  s: "string",
  c: "string",
  q: "string",
  t: "string",
  m: "string",
  u: "string",
  b: "boolean",
  i: "number",
  l: "number",
  d: "number",
  o: "number | string",
  f: "FieldsV1",
  r: "unknown",
  j: "unknown",
  x: "JSONSchemaProps | JSONSchemaProps[]",
  y: "JSONSchemaProps | boolean",
  z: "JSONSchemaProps | string[]",
};

function typeText(code: string, names: readonly string[], shorts: ReadonlyMap<string, string>): string {
  if (code.startsWith("[")) {
    const item = typeText(code.slice(1), names, shorts);
    return item.includes("|") ? `(${item})[]` : `${item}[]`;
  }
  if (code.startsWith("{")) return `Record<string, ${typeText(code.slice(1), names, shorts)}>`;
  const leaf = leafTexts[code];
  return leaf ?? shorts.get(names[Number(code.slice(1))] ?? "") ?? "unknown";
}

main(folder);
