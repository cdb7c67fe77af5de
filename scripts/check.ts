/** The one gate: types, lint and format, generated files, unit tests. `npm run check`; stops at the first that fails. */
import { spawnSync } from "node:child_process";

const steps: readonly [what: string, command: string, args: readonly string[]][] = [
  ["types", "tsc", ["--noEmit"]],
  ["schema table is what its script makes", "node", ["scripts/make-schema.ts", "--check"]],
  ["own-objects.json is what its script makes", "node", ["scripts/make-own-objects.ts", "--check"]],
  ["docs/cli.md is what its script makes", "node", ["scripts/make-cli-docs.ts", "--check"]],
  ["lint and format", "biome", ["check", "--error-on-warnings", "."]],
  ["unit tests and import table", "vitest", ["run", "--project", "unit"]],
];

const wanted = process.argv.includes("--without-tests") ? steps.filter(([, command]) => command !== "vitest") : steps;

for (const [what, command, args] of wanted) {
  console.log(`\n== ${what}`);
  const { status } = spawnSync(`node_modules/.bin/${command}`, args, { stdio: "inherit" });
  if (status !== 0) {
    console.error(`${what}: failed (${command} ${args.join(" ")})`);
    process.exit(1);
  }
}
