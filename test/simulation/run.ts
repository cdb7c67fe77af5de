/*
 * Simulations by the thousand:
 *
 *   npm run simulate -- --seeds 1000 [--from 1] [--steps 60]
 *
 * A seed that breaks a rule is printed with its story, and fails again whenever it is run.
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulation.ts";

const number = { type: "string" } as const;
const { values } = parseArgs({ options: { seeds: number, from: number, steps: number, story: { type: "boolean" } } });
const from = Number(values.from ?? 1);
const count = Number(values.seeds ?? 100);
let broken = 0;
for (let seed = from; seed < from + count; seed++) {
  try {
    const story = await simulate(seed, Number(values.steps ?? 60));
    if (values.story) console.log(story.join("\n"));
  } catch (error) {
    broken++;
    console.log(error instanceof Error ? (error.name === "RuleBroken" ? error.message : error.stack) : error);
  }
}
console.log(`${count - broken} of ${count} seeds held every rule`);
process.exitCode = broken > 0 ? 1 : 0;
