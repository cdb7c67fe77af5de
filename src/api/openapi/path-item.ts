import type { OperationModel, PathModel } from "./path-model.ts";
import type { JsonObject } from "./schemas.ts";

/** Parameters that all operations of a path share, which are said once, and the others of each. */
function splitParameters({ operations }: PathModel): {
  shared: string[];
  own: (operation: OperationModel) => string[];
} {
  const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();
  const all = operations.map(({ parameters }) => new Set(parameters));
  const shared = new Set([...(all[0] ?? [])].filter((name) => all.every((set) => set.has(name))));
  return { shared: sorted(shared), own: ({ parameters }) => sorted(parameters.filter((name) => !shared.has(name))) };
}

/** The item of a path in a document of either version, which say operations and parameters in their own ways. */
export function pathItemOf(
  path: PathModel,
  {
    operation,
    parameter,
  }: {
    readonly operation: (model: OperationModel, own: readonly string[]) => JsonObject;
    readonly parameter: (name: string) => JsonObject;
  },
): JsonObject {
  const { shared, own } = splitParameters(path);
  const item = Object.fromEntries(path.operations.map((model) => [model.method, operation(model, own(model))]));
  return shared.length ? { ...item, parameters: shared.map(parameter) } : item;
}

/** What is said of the codes of answers. */
export const statusTexts: Record<number, string> = { 200: "OK", 201: "Created", 202: "Accepted" };
