import type { JSONSchemaProps } from "../schema/types.ts";
import { bool, dyn, int, listOf, mapOf, simpleType, type Type, text } from "./types.ts";
import type { ListMeaning } from "./values.ts";

/** A schema as expressions see it: its type, and how large what it describes may be. */
export interface Declaration {
  readonly type: Type;
  /** The most characters, items or entries; 0 where nothing is counted. */
  readonly maxElements: number;
  /** The fewest bytes of its JSON. */
  readonly minSize: number;
  /** Of an object: by the names that expressions use. */
  readonly fields?: ReadonlyMap<string, Field>;
  /** Of a list or a map. */
  readonly item?: Declaration;
  readonly key?: Declaration;
  readonly meaning?: ListMeaning | undefined;
}

export interface Field {
  /** Its name in objects. */
  readonly name: string;
  readonly declaration: Declaration;
}

/** The largest request that is taken, and so the bound of what has no other. */
const largestRequest = 3 * 1024 * 1024;
const longestText = largestRequest - 2;

const string: Declaration = { type: text, maxElements: longestText, minSize: 2 };
const formats: Readonly<Record<string, Declaration>> = {
  byte: { type: simpleType("bytes"), maxElements: longestText, minSize: 2 },
  duration: { type: simpleType("duration"), maxElements: 32, minSize: 3 },
  date: { type: simpleType("timestamp"), maxElements: 12, minSize: 12 },
  "date-time": { type: simpleType("timestamp"), maxElements: 32, minSize: 21 },
};
const plainText: JSONSchemaProps = { type: "string" };
const metadata: JSONSchemaProps = { type: "object", properties: { name: plainText, generateName: plainText } };

/**
 * What expressions may know of a schema; undefined: nothing, since it says no type. Of a resource they see its kind and its
 * names in any case.
 */
export function declarationOf(
  schema: JSONSchemaProps,
  { isResource, name }: { readonly isResource: boolean; readonly name: string },
): Declaration | undefined {
  const { maxLength } = schema;
  if (schema["x-kubernetes-int-or-string"])
    return { type: dyn, maxElements: maxLength === undefined ? longestText : maxLength * 4, minSize: 1 };
  switch (schema.type) {
    case "array":
      return listDeclaration(schema, name);
    case "object":
      return isSchema(schema.additionalProperties)
        ? mapDeclaration(schema, schema.additionalProperties, name)
        : objectDeclaration(
            isResource
              ? { ...schema, properties: { ...schema.properties, kind: plainText, apiVersion: plainText, metadata } }
              : schema,
            name,
          );
    case "string":
      return textDeclaration(schema);
    case "boolean":
      return { type: bool, maxElements: 0, minSize: 4 };
    case "number":
      return { type: simpleType("double"), maxElements: 0, minSize: 1 };
    case "integer":
      return { type: int, maxElements: 0, minSize: 1 };
    default:
      return undefined;
  }
}

function isSchema(value: unknown): value is JSONSchemaProps {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inside(schema: JSONSchemaProps, name: string): Declaration | undefined {
  return declarationOf(schema, { isResource: schema["x-kubernetes-embedded-resource"] === true, name });
}

function listDeclaration(schema: JSONSchemaProps, name: string): Declaration | undefined {
  const item = isSchema(schema.items) ? inside(schema.items, `${name}.@idx`) : undefined;
  if (!item) return undefined;
  const sort = schema["x-kubernetes-list-type"];
  const meaning: ListMeaning | undefined =
    sort === "set"
      ? { sort: "set" }
      : sort === "map"
        ? { sort: "map", keys: schema["x-kubernetes-list-map-keys"] ?? [] }
        : undefined;
  const maxElements = schema.maxItems ?? Math.floor((largestRequest - 2) / (item.minSize + 1));
  return { type: listOf(item.type), maxElements, minSize: 2, item, meaning };
}

function mapDeclaration(schema: JSONSchemaProps, values: JSONSchemaProps, name: string): Declaration | undefined {
  const item = inside(values, `${name}.@elem`);
  if (!item) return undefined;
  const maxElements = schema.maxProperties ?? Math.floor((largestRequest - 2) / (item.minSize + 6));
  return { type: mapOf(text, item.type), maxElements, minSize: 2, item, key: { ...string, maxElements: 0 } };
}

function objectDeclaration({ properties = {}, required = [] }: JSONSchemaProps, name: string): Declaration {
  const fields = new Map<string, Field>();
  let minSize = 2;
  for (const [property, schema] of Object.entries(properties)) {
    const declaration = inside(schema, `${name}.${property}`);
    if (!declaration) continue;
    const escaped = escapedName(property);
    if (escaped !== undefined) fields.set(escaped, { name: property, declaration });
    if (required.includes(property) && schema.default === undefined)
      minSize += property.length + declaration.minSize + 4;
  }
  const types = new Map([...fields].map(([field, { declaration }]) => [field, declaration.type]));
  return { type: { sort: "object", name, fields: types }, maxElements: 0, minSize, fields };
}

function textDeclaration({ format, maxLength, enum: choices }: JSONSchemaProps): Declaration {
  const known = format === undefined ? undefined : formats[format];
  if (known) return format === "byte" && maxLength !== undefined ? { ...known, maxElements: maxLength } : known;
  // Lengths are said in characters; each may be four bytes.
  if (maxLength !== undefined) return { ...string, maxElements: maxLength * 4 };
  if (choices?.length)
    return { ...string, maxElements: Math.max(...choices.map((choice) => Buffer.byteLength(String(choice)))) };
  return string;
}

const keywords = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);
const marks: Readonly<Record<string, string>> = {
  __: "__underscores__",
  ".": "__dot__",
  "-": "__dash__",
  "/": "__slash__",
};

/** How expressions name a property (Kubernetes docs, "Validation rules", "Escaping"); undefined: they cannot. */
export function escapedName(property: string): string | undefined {
  if (keywords.has(property)) return `__${property}__`;
  if (!/^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/.test(property)) return undefined;
  return property.replace(/__|[.\-/]/g, (mark) => marks[mark] ?? mark);
}

/** How often something of at least so many bytes can stand in one object. */
export function mostTimes({ minSize }: Declaration): number {
  return Math.floor(largestRequest / (minSize + 1));
}
