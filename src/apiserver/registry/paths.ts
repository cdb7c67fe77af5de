/** Reading and writing inside objects by paths as kinds name them: "spec.replicas". */

type Fields = Record<string, unknown>;

export function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const name of path.replace(/^\./, "").split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Fields)[name];
  }
  return value;
}

/** Sets a value, making what lies on the way; `undefined` removes it. */
export function setAt(object: object, path: string, value: unknown): void {
  const names = path.replace(/^\./, "").split(".");
  const last = names.pop() as string;
  let parent = object as Fields;
  for (const name of names) {
    const child = parent[name];
    if (typeof child !== "object" || child === null) {
      if (value === undefined) return;
      parent[name] = {};
    }
    parent = parent[name] as Fields;
  }
  if (value === undefined) delete parent[last];
  else parent[last] = value;
}

/** Whether two values would be the same in JSON: a field that is undefined is one that is absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (Array.isArray(b)) return false;
  for (const [key, value] of Object.entries(a)) if (!sameJson(value, (b as Fields)[key])) return false;
  for (const [key, value] of Object.entries(b))
    if (value !== undefined && (a as Fields)[key] === undefined) return false;
  return true;
}
