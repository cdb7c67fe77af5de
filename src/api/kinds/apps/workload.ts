import type { Column } from "../../kind.ts";
import type { KubeObject } from "../../object.ts";
import type { LabelSelector, PodTemplateSpec } from "../../schema/types.ts";
import { selectorText } from "../../selector.ts";

/** How tables show objects with a pod template and a selector. */

/** The columns of wide tables: containers, images and, with `selector`, the selector. */
export function templateColumns<T extends KubeObject>({
  template,
  selector,
}: {
  template: (object: T) => PodTemplateSpec;
  selector?: (object: T) => LabelSelector | undefined;
}): Column<T>[] {
  const wide = { type: "string", priority: 1 } as const;
  const containers = (object: T) => template(object).spec?.containers ?? [];
  return [
    { name: "Containers", ...wide, cell: (object) => listed(containers(object).map(({ name }) => name)) },
    { name: "Images", ...wide, cell: (object) => listed(containers(object).map(({ image }) => image ?? "")) },
    ...(selector ? [{ name: "Selector", ...wide, cell: (object: T) => shownSelector(selector(object)) }] : []),
  ];
}

/** A selector as tables show it. */
export function shownSelector(selector: LabelSelector | undefined): string {
  return (selector && selectorText(selector)) || "<none>";
}

/** Labels as tables show them. */
export function shownLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return listed(pairs.sort()) || "<none>";
}

function listed(texts: readonly string[]): string {
  return texts.join(",");
}
