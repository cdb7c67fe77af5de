/**
 * Makes scripts/go-facts.json: what Kubernetes' published documents leave out of its types and only its Go declarations
 * say: which fields are pointers (absent differs from zero), which are written even when empty, which are embedded, and
 * how the decoder names their types in errors. `node scripts/make-go-facts.ts FOLDER`, where FOLDER holds the Go sources of
 * k8s.io/api, apimachinery, apiextensions-apiserver and kube-aggregator. Needed again only for another Kubernetes version.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface TypeFacts {
  pointers?: string[];
  /** Fields without omitempty: written even when empty. */
  always?: string[];
  omitZero?: string[];
  /** Types whose fields are written among this one's own. */
  embedded?: string[];
  /** What the schema puts in where a field is absent. */
  defaults?: Record<string, unknown>;
  /** The values that a text may have, where the API names them all. */
  enums?: Record<string, string[]>;
  /** Go types of fields, where they are not those that the schema implies. */
  goTypes?: Record<string, string>;
}

const root = process.argv[2];
if (!root || !existsSync(join(root, "api/core/v1/types.go"))) {
  console.error(
    "make-go-facts: give the folder that holds api/, apimachinery/, apiextensions-apiserver/, kube-aggregator/",
  );
  process.exit(1);
}

const facts: Record<string, TypeFacts> = {};
/** The values of each type that is an enumeration, by its published name. */
const enumerations = new Map<string, Set<string>>();
/** Which such type a field has: known when all packages are read. */
const fieldTypes: { owner: string; field: string; type: string }[] = [];
for (const folder of packages(root)) {
  const prefix = `io.k8s.${folder.slice(root.length).replace(/^\/+/, "").replaceAll("/", ".")}`;
  for (const file of readdirSync(folder)) {
    if (!/^(types.*|watch|duration)\.go$/.test(file) || file.includes("swagger_doc") || file.includes("_test"))
      continue;
    readTypes(readFileSync(join(folder, file), "utf8"), prefix);
  }
}
for (const type of Object.values(facts)) dropImplied(type);
for (const { owner, field, type } of fieldTypes) {
  const values = enumerations.get(type);
  const of = facts[owner];
  if (values?.size && of) of.enums = { ...of.enums, [field]: [...values].sort() };
}
const sorted = Object.fromEntries(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)));
const lines = Object.entries(sorted).map(([name, type]) => `${JSON.stringify(name)}: ${JSON.stringify(type)}`);
writeFileSync(join(import.meta.dirname, "go-facts.json"), `{\n${lines.join(",\n")}\n}\n`);
console.log(`make-go-facts: ${lines.length} types`);

/** Leaves only the Go types that do not follow from the schema: named scalars and named lists and maps. */
function dropImplied(type: TypeFacts): void {
  const structs = new Set(Object.keys(facts).map((name) => name.split(".").slice(-2).join(".")));
  const implied = (goType: string): boolean => !goType.includes(".") || structs.has(goType.replace(/^\[\]/, ""));
  const left = Object.entries(type.goTypes ?? {}).filter(([, goType]) => !implied(goType));
  if (left.length) type.goTypes = Object.fromEntries(left);
  else delete type.goTypes;
}

function packages(folder: string): string[] {
  const fixed = [
    "apimachinery/pkg/apis/meta/v1",
    "apiextensions-apiserver/pkg/apis/apiextensions/v1",
    "kube-aggregator/pkg/apis/apiregistration/v1",
  ];
  const groups = readdirSync(join(folder, "api"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const api = groups.flatMap((group) =>
    readdirSync(join(folder, "api", group.name), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && /^v\d/.test(entry.name))
      .map((version) => join(folder, "api", group.name, version.name)),
  );
  return [...api, ...fixed.map((path) => join(folder, path))];
}

function readTypes(source: string, prefix: string): void {
  const aliases = new Map<string, string>();
  const paths = new Map<string, string>();
  for (const [, alias, path] of source.matchAll(/^\s*(?:import\s+)?(\w+)\s+"([^"]+)"$/gm)) {
    aliases.set(alias ?? "", basename(path ?? ""));
    paths.set(alias ?? "", (path ?? "").replace(/^k8s\.io/, "io.k8s").replaceAll("/", "."));
  }
  const own = /^package (\w+)/m.exec(source)?.[1] ?? "";
  readEnumerations(source, prefix);
  for (const [, name, body] of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm)) {
    const type = readStruct(
      body ?? "",
      (goType) => qualified(goType, own, aliases),
      (marker) => defaultFrom(marker, source),
    );
    facts[`${prefix}.${name}`] = type;
    for (const [, declared = "", field = ""] of (body ?? "").matchAll(
      /^\s*\w+\s+(?:map\[[\w.]+\])?[*[\]]*([\w.]+)\s+`(?:.* )?json:"([\w-]+)/gm,
    )) {
      const [alias, imported] = declared.split(".");
      const target = imported ? `${paths.get(alias ?? "")}.${imported}` : `${prefix}.${declared}`;
      fieldTypes.push({ owner: `${prefix}.${name}`, field, type: target });
    }
  }
}

/** Types marked +enum, and the constants of them. */
function readEnumerations(source: string, prefix: string): void {
  for (const [, name] of source.matchAll(/^\/\/ \+enum\n(?:\/\/.*\n)*type (\w+) string/gm)) {
    const type = `${prefix}.${name}`;
    enumerations.set(type, enumerations.get(type) ?? new Set());
    for (const [, value = ""] of source.matchAll(new RegExp(`^\\s*\\w+\\s+${name}\\s*=\\s*"(.*)"`, "gm"))) {
      enumerations.get(type)?.add(value);
    }
  }
}

function readStruct(body: string, qualify: (goType: string) => string, read: (marker: string) => unknown): TypeFacts {
  const type: Required<Omit<TypeFacts, "enums">> = {
    pointers: [],
    always: [],
    omitZero: [],
    embedded: [],
    goTypes: {},
    defaults: {},
  };
  let given: unknown;
  for (const line of body.split("\n")) {
    const marker = /^\s*\/\/ \+default=(.*)$/.exec(line)?.[1];
    if (marker !== undefined) given = read(marker);
    const match = /^\s*(?:(\w+)\s+)?([\w.*[\]]+)\s+`(?:.* )?json:"([^"]*)"/.exec(line);
    if (!match) continue;
    const [, , declared = "", tag = ""] = match;
    const [name = "", ...options] = tag.split(",");
    if (!name && !declared.endsWith("TypeMeta")) type.embedded.push(declared.split(".").at(-1) ?? "");
    if (!name || name === "-") continue;
    if (given !== undefined) type.defaults[name] = given;
    given = undefined;
    if (declared.startsWith("*")) type.pointers.push(name);
    if (!options.includes("omitempty") && !options.includes("omitzero")) type.always.push(name);
    if (options.includes("omitzero")) type.omitZero.push(name);
    type.goTypes[name] = qualify(declared.replace(/^\*/, ""));
  }
  return Object.fromEntries(Object.entries(type).filter(([, list]) => Object.keys(list).length > 0));
}

/** The value of a marker: JSON, or the name of a constant of the same file. */
function defaultFrom(marker: string, source: string): unknown {
  const constant = /^ref\((\w+)\)$/.exec(marker)?.[1];
  const text = constant ? new RegExp(`^\\s*${constant}\\b.*= (".*")$`, "m").exec(source)?.[1] : marker;
  return text === undefined ? undefined : JSON.parse(text);
}

/** As Go's reflection prints a type: with the last part of its package's path, whatever it is imported as. */
function qualified(goType: string, own: string, aliases: ReadonlyMap<string, string>): string {
  const builtin = /^(string|bool|byte|int|int32|int64|uint8|float64|any|interface|map|error)$/;
  return goType.replace(/(?:(\w+)\.)?(\w+)/g, (whole, alias: string | undefined, name: string) => {
    if (alias) return `${aliases.get(alias) ?? alias}.${name}`;
    return builtin.test(name) ? (name === "byte" ? "uint8" : name) : `${own}.${whole}`;
  });
}
