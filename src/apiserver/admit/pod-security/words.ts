/** `"a", "b"` */
export function quoted(items: readonly string[]): string {
  return items.map((item) => `"${item}"`).join(", ");
}

export function plural(count: number, one: string, several: string): string {
  return count === 1 ? one : several;
}

/** `container "a"`, `containers "a", "b"` */
export function containersNamed(names: readonly string[]): string {
  return `${plural(names.length, "container", "containers")} ${quoted(names)}`;
}

/** Who set something: `pod and container "a"`. */
export function settersNamed(pod: boolean, containers: readonly string[]): string[] {
  return [...(pod ? ["pod"] : []), ...(containers.length > 0 ? [containersNamed(containers)] : [])];
}

export function sortedUnique(items: Iterable<string>): string[] {
  return [...new Set(items)].sort();
}
