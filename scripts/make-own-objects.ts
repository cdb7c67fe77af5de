/**
 * Writes src/apiserver/system/own-objects.json: what a Kubernetes API server puts into an empty cluster by itself (default
 * roles and bindings, flow schemas and priority levels, priority classes), from recorded lists of a real one.
 *
 *   npm run make-own-objects -- RECORDING.jsonl [--check]
 *
 * Without the recording nothing is changed, and that is said.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

interface Recorded {
  readonly scenario: string;
  readonly request: { readonly path: string; readonly headers?: unknown };
  readonly response: {
    readonly body?: { readonly kind?: string; readonly apiVersion?: string; readonly items?: Item[] };
  };
}
type Item = Record<string, unknown> & { metadata: Record<string, unknown> };

const target = resolve(import.meta.dirname, "../src/apiserver/system/own-objects.json");
const source =
  process.argv.slice(2).find((arg) => !arg.startsWith("--")) ??
  resolve(import.meta.dirname, "../../shared/reference/recorded/server.jsonl");
if (!existsSync(source)) {
  console.log(`left out: ${source} is not there, own-objects.json stays as it is`);
  process.exit(0);
}

const wanted = [
  "clusterroles",
  "clusterrolebindings",
  "roles",
  "rolebindings",
  "flowschemas",
  "prioritylevelconfigurations",
  "priorityclasses",
];
const keptMetadata = ["name", "namespace", "labels", "annotations"];
const lines = readFileSync(source, "utf8")
  .trim()
  .split("\n")
  .map((line): Recorded => JSON.parse(line));
const objects = wanted.flatMap((plural) => {
  const list = lines.find(
    ({ scenario, request }) =>
      scenario === "own-objects" && !request.headers && request.path.split("?")[0]?.endsWith(`/${plural}`),
  );
  const { kind = "", apiVersion = "", items = [] } = list?.response.body ?? {};
  return items.map(({ metadata, status: _, ...rest }) => {
    const kept = Object.fromEntries(Object.entries(metadata).filter(([field]) => keptMetadata.includes(field)));
    return { apiVersion, kind: kind.replace(/List$/, ""), metadata: kept, ...rest };
  });
});
// An object a line: a change shows as one.
const text = `[\n${objects.map((object) => JSON.stringify(object)).join(",\n")}\n]\n`;
if (!process.argv.includes("--check")) writeFileSync(target, text);
else if (readFileSync(target, "utf8") !== text) {
  console.error("own-objects.json is not what its script makes: run `npm run make-own-objects`");
  process.exit(1);
}
