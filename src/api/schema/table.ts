import { groupVersionFrom } from "../kind.ts";
import type { Field, SchemaNode, Sort } from "./node.ts";
import table from "./table.json" with { type: "json" };

/*
 * table.json is made by scripts/make-schema.ts. The text of a field: a type, and what follows in any order:
 *   type     a letter (see `sorts`), #n (the n-th type), [ and { before it: a list, a map of it
 *   7        the protobuf number
 *   :!*+0e   required, pointer, written even when empty, left out when zero, embedded (protobuf only)
 *   L=map,name   list type and keys      M=atomic   map type
 *   K=name   patch merge key             S=merge,retainKeys   patch strategy
 *   E=TCP,UDP   the values of a text    T=v1.Protocol   its Go type         D="TCP"    its default, in JSON
 */
interface TypeEntry {
  readonly kinds?: readonly string[];
  readonly atomic?: boolean;
  readonly unions?: readonly unknown[];
  readonly fields: Readonly<Record<string, string>>;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The Kubernetes version that the table describes: "v1.36.2". */
export const kubernetesVersion: string = table.version;

const entries = new Map(Object.entries(table.types as Record<string, TypeEntry>));
/** The names of all types, in order. */
export const typeNames: readonly string[] = [...entries.keys()];

const nodes = new Map<string, TypeNode>();
const typesByKind = new Map<string, string>();
for (const [type, { kinds }] of entries) for (const kind of kinds ?? []) typesByKind.set(kind, type);

/** The schema of a built-in type ("io.k8s.api.core.v1.Pod"). The same node for each call. */
export function typeNode(type: string): SchemaNode {
  let node = nodes.get(type);
  if (!node) {
    const entry = entries.get(type);
    if (!entry) throw new Error(`the schema table has no type ${type}`);
    node = new TypeNode(type, entry);
    nodes.set(type, node);
  }
  return node;
}

/** Whether the table has this type. */
export function isType(type: string): boolean {
  return entries.has(type);
}

/** The name of a node's type; undefined where it is no built-in object type. */
export function typeNameOf(node: SchemaNode): string | undefined {
  return node instanceof TypeNode ? node.type : undefined;
}

/** The type of a built-in kind; DeleteOptions and WatchEvent are kinds of every group. */
export function typeOfKind({ group, version, kind }: GroupVersionKind): string | undefined {
  return typesByKind.get(`${group}/${version}/${kind}`) ?? typesByKind.get(`*/*/${kind}`);
}

/** The schema of a built-in kind, by what an object says of itself. */
export function nodeOfKind(apiVersion: string, kind: string): SchemaNode | undefined {
  const type = typeOfKind({ ...groupVersionFrom(apiVersion), kind });
  return type === undefined ? undefined : typeNode(type);
}

/** The kind of a built-in type; undefined where it is only part of others. */
export function kindOfType(type: string): GroupVersionKind | undefined {
  const [group = "", version = "", kind = ""] = entries.get(type)?.kinds?.[0]?.split("/") ?? [];
  return kind && group !== "*" ? { group, version, kind } : undefined;
}

/** Which of a type's fields exclude each other, as the published documents say it. */
export function unionsOf(type: string): readonly unknown[] | undefined {
  return entries.get(type)?.unions;
}

/** What Kubernetes' published documents say of how a value merges, where they say it. */
export interface MergeRules {
  readonly atomic?: boolean;
  readonly listType?: SchemaNode["listType"];
  readonly listKeys?: readonly string[];
  readonly mergeKey?: string | undefined;
  readonly patchStrategy?: SchemaNode["patchStrategy"];
  /** All values that a text (or each text of a list) may have. */
  readonly values?: readonly string[];
}

/** The rules that are stated of a built-in node; what is not stated follows from its type. */
export function mergeRulesOf(node: SchemaNode): MergeRules {
  return node instanceof ValueNode ? node.stated : {};
}

const sorts: Record<string, readonly [sort: Sort, goType: string]> = {
  s: ["string", "string"],
  c: ["bytes", "[]uint8"],
  b: ["boolean", "bool"],
  i: ["int32", "int32"],
  l: ["int64", "int64"],
  d: ["double", "float64"],
  q: ["quantity", "resource.Quantity"],
  o: ["intOrString", "intstr.IntOrString"],
  t: ["time", "v1.Time"],
  m: ["microTime", "v1.MicroTime"],
  u: ["duration", "v1.Duration"],
  f: ["fieldsV1", "v1.FieldsV1"],
  r: ["raw", "runtime.RawExtension"],
  j: ["any", "v1.JSON"],
  x: ["schemaOrList", "v1.JSONSchemaPropsOrArray"],
  y: ["schemaOrBoolean", "v1.JSONSchemaPropsOrBool"],
  z: ["schemaOrStrings", "v1.JSONSchemaPropsOrStringArray"],
};

const schemaType = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
const noFields: ReadonlyMap<string, Field> = new Map();

/** A value that is no object with fields of its own: a scalar, a list, a map; or such an object as a field sees it. */
class ValueNode implements SchemaNode {
  readonly sort: Sort;
  readonly goType: string;
  readonly item: SchemaNode | undefined;
  readonly atomic: boolean;
  readonly listType: "atomic" | "set" | "map";
  readonly listKeys: readonly string[];
  readonly mergeKey: string | undefined;
  readonly patchStrategy: SchemaNode["patchStrategy"];
  readonly nullable = false;
  readonly embeddedResource = false;
  readonly stated: MergeRules;

  constructor(sort: Sort, goType: string, item?: SchemaNode, extensions: MergeRules = {}) {
    this.stated = extensions;
    this.sort = sort;
    this.goType = goType;
    this.item = item;
    this.atomic = extensions.atomic ?? (sort === "raw" || sort === "any");
    this.listType = extensions.listType ?? "atomic";
    this.listKeys = extensions.listKeys ?? [];
    this.mergeKey = extensions.mergeKey;
    this.patchStrategy = extensions.patchStrategy ?? [];
  }

  get fields(): ReadonlyMap<string, Field> {
    return noFields;
  }
  get preserveUnknown(): boolean {
    return this.sort === "raw" || this.sort === "any";
  }
}

/** A built-in object type; its fields are read from the table when first asked for. */
class TypeNode extends ValueNode {
  readonly type: string;
  override readonly stated: MergeRules;
  readonly #entry: TypeEntry;
  #fields: ReadonlyMap<string, Field> | undefined;

  constructor(type: string, entry: TypeEntry, extensions: MergeRules = {}) {
    const [kind = "", version = ""] = type.split(".").reverse();
    super("object", `${version}.${kind}`, undefined, { atomic: entry.atomic ?? false, ...extensions });
    this.type = type;
    this.stated = extensions;
    this.#entry = entry;
  }

  override get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= new Map(Object.entries(this.#entry.fields).map(([name, text]) => [name, fieldFrom(name, text)]));
    return this.#fields;
  }

  /** The same type where a field has its own word on how it is patched. */
  seenAs(extensions: MergeRules): TypeNode {
    return new TypeNode(this.type, this.#entry, extensions);
  }
}

const scalarNodes = new Map<string, ValueNode>();

function fieldFrom(name: string, text: string): Field {
  const [code = "", ...tokens] = text.split(" ");
  const said = new Map(tokens.filter((token) => token[1] === "=").map((token) => [token[0], token.slice(2)]));
  const marks = tokens.find((token) => token.startsWith(":")) ?? "";
  const number = tokens.find((token) => /^\d/.test(token));
  const [listType, ...listKeys] = said.get("L")?.split(",") ?? [];
  const mapType = said.get("M");
  const strategy = said.get("S");
  const extensions = {
    ...(listType && { listType: listType as SchemaNode["listType"], listKeys }),
    ...(mapType && { atomic: mapType === "atomic" }),
    ...(said.has("K") && { mergeKey: said.get("K") }),
    ...(said.has("E") && { values: said.get("E")?.split(",") ?? [] }),
    ...(strategy && { patchStrategy: strategy.split(",") as unknown as SchemaNode["patchStrategy"] }),
  };
  return {
    name,
    node: nodeFrom(code, said.get("T"), extensions),
    required: marks.includes("!"),
    pointer: marks.includes("*"),
    always: marks.includes("+"),
    omitZero: marks.includes("0"),
    number: number ? Number(number) : 0,
    embedded: marks.includes("e"),
    default: said.has("D") ? JSON.parse(said.get("D") ?? "") : undefined,
  };
}

function nodeFrom(code: string, goType: string | undefined, extensions: MergeRules = {}): SchemaNode {
  const special = Object.keys(extensions).length > 0;
  if (code.startsWith("[")) {
    const item = nodeFrom(code.slice(1), goType?.replace(/^\[\]/, ""));
    return new ValueNode("list", goType ?? `[]${item.goType}`, item, extensions);
  }
  if (code.startsWith("{")) {
    const item = nodeFrom(code.slice(1), undefined);
    return new ValueNode("map", goType ?? `map[string]${item.goType}`, item, extensions);
  }
  if (code.startsWith("#")) {
    const node = typeNode(typeNames[Number(code.slice(1))] ?? "");
    return special && node instanceof TypeNode ? node.seenAs(extensions) : node;
  }
  const [sort, plain] = sorts[code] ?? ["any", "interface {}"];
  const key = `${code} ${goType ?? ""}`;
  let node = special ? undefined : scalarNodes.get(key);
  if (!node) {
    const item = sort.startsWith("schemaOr") ? typeNode(schemaType) : undefined;
    node = new ValueNode(sort, goType ?? plain, item, extensions);
    if (!special) scalarNodes.set(key, node);
  }
  return node;
}
