import type { KubeObject } from "../../api/object.ts";

/** Where a pod of an Indexed Job says which index is its own: an annotation and a label. */
export const indexName = "batch.kubernetes.io/job-completion-index";

/** The index of a pod; undefined when it has none. */
export function indexOf({ metadata }: KubeObject): number | undefined {
  const text = metadata.annotations?.[indexName];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Reads "0,2-4"; indexes from `count` on are left out. */
export function parseIndexes(text: string | undefined, count: number): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? "").split(",").filter(Boolean)) {
    const [first = 0, last = first] = part.split("-").map(Number);
    for (let index = first; index <= last && index < count; index++) indexes.add(index);
  }
  return indexes;
}

/** "0,2-4": neighbours in a row are written as a range, two of them one by one. */
export function indexesText(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const ranges: { first: number; last: number }[] = [];
  for (const index of sorted) {
    const range = ranges.at(-1);
    if (range && range.last + 1 === index) range.last = index;
    else ranges.push({ first: index, last: index });
  }
  return ranges
    .map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? "," : "-"}${last}`))
    .join(",");
}
