import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../support/run.ts";
import { simulate } from "./simulation.ts";

const seeds = 200;
const shares = availableParallelism();
const perShare = Math.ceil(seeds / shares);
const firsts = Array.from({ length: shares }, (_, share) => share * perShare + 1);

// `npm run simulate -- --seeds 1 --from SEED --story` shows what happened in one that fails.
test.concurrent.each(firsts)(
  "whatever befalls the cluster of seed %i and the next ones, every rule holds",
  async (first) => {
    const program = join(import.meta.dirname, "run.ts");
    const args = [program, "--seeds", String(perShare), "--from", String(first)];
    const { stdout, stderr } = await run(process.execPath, args, { limitMs: 1_800_000 });
    expect(stdout + stderr).toBe(`${perShare} of ${perShare} seeds held every rule\n`);
  },
);

test("a seed tells the same story every time", async () => {
  expect(await simulate(1, 60)).toEqual(await simulate(1, 60));
});
