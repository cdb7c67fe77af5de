/**
 * Makes the texts that `kubectl explain` shows: node scripts/make-explain.ts OUTPUT (dist/explain.json unless said). They are taken
 * from the comments of the models in @kubernetes/client-node at build time, and are not kept in the repository.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Descriptions } from "../src/api/openapi/descriptions.ts";
import { typeNames } from "../src/api/schema/table.ts";

const output = process.argv[2] ?? "dist/explain.json";
const models = join(import.meta.dirname, "../node_modules/@kubernetes/client-node/dist/gen/models");
if (!existsSync(models)) {
  console.error("make-explain: @kubernetes/client-node is not installed: run npm install");
  process.exit(1);
}

const files = new Set(readdirSync(models).filter((name) => name.endsWith(".d.ts")));
// The models have no text for a field that is of another model; people and the conformance suite look for this one.
const metadataText =
  "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
const texts: Record<string, Record<string, string>> = {};
for (const type of typeNames) {
  const file = modelNames(type).find((name) => files.has(`${name}.d.ts`));
  if (!file) continue;
  const source = readFileSync(join(models, `${file}.d.ts`), "utf8");
  texts[type] = {
    ...(source.includes("'metadata'?: V1ObjectMeta;") && { metadata: metadataText }),
    ...textsOf(source),
  };
}
mkdirSync(dirname(output), { recursive: true });
writeFileSync(output, JSON.stringify(texts satisfies Descriptions));
console.log(`make-explain: texts of ${Object.keys(texts).length} types in ${output}`);

/** io.k8s.api.core.v1.Pod is V1Pod, or CoreV1Pod where several groups have a Pod. */
function modelNames(type: string): string[] {
  const [kind = "", version = "", group = ""] = type.split(".").reverse();
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  return [`${capital(version)}${kind}`, `${capital(group)}${capital(version)}${kind}`];
}

function textsOf(source: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, comment = "", field] of source.matchAll(
    /\/\*\*\n((?:\s*\* ?.*\n)+?)\s*\*\/\n\s*(?:export declare class \w+|'([^']+)'\??:)/g,
  )) {
    const text = comment
      .replace(/^\s*\* ?/gm, "")
      .replaceAll('\\"', '"')
      .trim();
    if (text) found[field ?? ""] = text;
  }
  return found;
}
