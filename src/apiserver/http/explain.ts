import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptions, noDescriptions } from "../../api/openapi/descriptions.ts";
import { assetText } from "../../base/assets.ts";

/**
 * The texts of `kubectl explain`: inside the executable, or where the build put them when skiff runs from its sources. Without
 * them `explain` shows types and fields with nothing said of them.
 */
export function explainTexts(): Descriptions {
  const text = assetText("explain.json") ?? fromBuild();
  return text ? (JSON.parse(text) as Descriptions) : noDescriptions;
}

function fromBuild(): string | undefined {
  const path = join(import.meta.dirname, "../../../dist/explain.json");
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
