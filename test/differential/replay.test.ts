import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { startApiServer, staticTokensFrom } from "../support/api-server.ts";
import { scenariosIn } from "./recording.ts";
import { type Outcome, replayScenario } from "./replay.ts";

/*
 * Requests that were once sent to a Kubernetes API server are sent to this one, and the answers compared. How many must be
 * the same is written down, so that what was reached is kept; a change that makes more the same raises the number.
 * The recordings are no part of the project: they are looked for beside it, or where SKIFF_RECORDINGS says.
 */
const recordings = resolve(
  process.env.SKIFF_RECORDINGS ?? join(import.meta.dirname, "../../../shared/reference/recorded"),
);
const areas: readonly [area: string, same: number][] = [
  ["access", 97],
  ["admission", 47],
  ["apply", 97],
  ["crds", 178],
  ["deletion", 126],
  ["invalid", 875],
  ["kinds", 1148],
  ["lists", 142],
  ["patches", 99],
  ["requests", 296],
  ["rich", 731],
  ["server", 48],
  ["services", 24],
  ["subresources", 77],
  ["watches", 49],
];

describe("recorded requests are answered as they were", () => {
  if (!existsSync(recordings)) {
    test.skip(`left out: there are no recordings at ${recordings}`, () => {});
    return;
  }
  test.each(areas)("%s", { timeout: 600_000 }, async (area, same) => {
    await using server = await startApiServer({ staticTokens: staticTokensFrom(join(recordings, "users.csv")) });
    const outcomes: Outcome[] = [];
    for (const lines of scenariosIn(join(recordings, `${area}.jsonl`)))
      outcomes.push(...(await replayScenario(server.url, lines)));
    const different = outcomes.filter(({ differences }) => differences.length > 0);
    const shown = different.map(({ name, differences }) => `${name}\n    ${differences.slice(0, 5).join("\n    ")}`);
    if (process.env.SKIFF_SHOW_DIFFERENCES) console.log(shown.join("\n"));
    console.log(`${area}: ${outcomes.length - different.length} of ${outcomes.length} the same`);
    expect(outcomes.length - different.length, shown.slice(0, 20).join("\n")).toBeGreaterThanOrEqual(same);
  });
});
