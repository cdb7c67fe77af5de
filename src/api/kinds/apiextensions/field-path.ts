import { Path } from "../../field.ts";
import type { JSONSchemaProps } from "../../schema/types.ts";

/**
 * The place in an object that a rule's fieldPath names: fields and keys, `.spec.map['key'].name`; undefined where the schema has
 * no such place.
 */
export function placeFrom(fieldPath: string, schema: JSONSchemaProps, root: Path = new Path()): Path | undefined {
  let place = root;
  let inside: JSONSchemaProps | undefined = schema;
  for (let rest = fieldPath.trim(); rest !== ""; ) {
    const [step, field, quoted] = /^(?:\.([^.[\]]+)|\['((?:\\.|[^'\\])*)'\])/.exec(rest) ?? [];
    if (step === undefined || !inside) return undefined;
    const name: string = field ?? (quoted ?? "").replace(/\\(.)/g, "$1");
    if (inside.properties) {
      place = place.child(name);
      inside = inside.properties[name];
      if (!inside) return undefined;
    } else if (typeof inside.additionalProperties === "object") {
      place = place.key(name);
      inside = inside.additionalProperties;
    } else return undefined;
    rest = rest.slice(step.length);
  }
  return place;
}
