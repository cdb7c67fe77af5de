import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { builtinKinds } from "../../src/api/kinds/all.ts";
import { openApiV2 } from "../../src/api/openapi/v2.ts";

/*
 * Kubernetes' published OpenAPI document beside the one that is made here: every operation that both have must be told alike, but for
 * the texts, which are skiff's own, and for CBOR, which Kubernetes serves behind a feature gate. The document is no part of the project:
 * it is looked for beside it, or where SKIFF_SWAGGER says.
 */
const published = resolve(
  process.env.SKIFF_SWAGGER ?? join(import.meta.dirname, "../../../shared/reference/swagger.json"),
);

type Operation = Record<string, unknown>;
type Paths = Record<string, Record<string, Operation>>;

describe("the OpenAPI document", () => {
  if (!existsSync(published)) {
    test.skip(`left out: there is no ${published}`, () => {});
    return;
  }
  const theirs = (JSON.parse(readFileSync(published, "utf8")) as { paths: Paths }).paths;
  const ours = openApiV2(builtinKinds).paths as Paths;

  test("has no path or method that Kubernetes has not, and tells each operation as Kubernetes does", () => {
    for (const [path, item] of Object.entries(ours)) {
      for (const [method, operation] of Object.entries(item)) {
        const told = theirs[path]?.[method];
        expect(compared(method, operation), `${method} ${path}`).toEqual(told && compared(method, told));
      }
    }
  });

  test("has every path of the kinds that are served", () => {
    const isServed = (path: string) =>
      builtinKinds.some(({ group, version }) =>
        path.startsWith(group ? `/apis/${group}/${version}/` : `/api/${version}/`),
      );
    expect(Object.keys(theirs).filter((path) => isServed(path) && !(path in ours))).toEqual([]);
  });
});

/** What is compared of an operation, or of the parameters that a path's operations share: their names. */
function compared(method: string, value: Operation): unknown {
  if (method === "parameters") return parameterNames(value as unknown as Operation[]);
  const { description, parameters, ...rest } = value;
  const served = (types: unknown) => (types as string[] | undefined)?.filter((type) => !type.includes("cbor"));
  return {
    ...rest,
    parameters: parameterNames(parameters as Operation[] | undefined),
    consumes: served(rest.consumes),
    produces: served(rest.produces),
  };
}

/** Published documents share parameters by reference: "#/parameters/pretty-tJGM1-ng". */
function parameterNames(parameters: readonly Operation[] = []): string[] {
  return parameters
    .map(({ name, $ref }) =>
      typeof $ref === "string" ? $ref.replace(/^#\/parameters\/(.*)-.{8}$/, "$1") : String(name),
    )
    .sort();
}
