/** Runs the gate, builds the executable and runs every test; ends with the sum of all tests. Called by scripts/test.sh. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";

interface Counts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

mkdirSync(".cache", { recursive: true });
const reports = {
  quick: ".cache/quick-tests.json",
  differential: ".cache/differential-tests.json",
  system: ".cache/system-tests.json",
};
for (const report of Object.values(reports)) rmSync(report, { force: true });

const steps: readonly [what: string, program: string, args: readonly string[]][] = [
  ["types, lint, generated files", "node", ["scripts/check.ts", "--without-tests"]],
  ["unit tests and simulations", "vitest", ["run", ...projects("unit", "simulation"), ...reporting(reports.quick)]],
  ["recorded requests", "vitest", ["run", ...projects("differential"), ...reporting(reports.differential)]],
  ["building the executable", "node", ["scripts/build.ts"]],
  ["system tests", "vitest", ["run", ...projects("system"), ...reporting(reports.system)]],
];
let failed: string | undefined;
for (const [what, program, args] of steps) {
  console.log(`\n== ${what}`);
  if (spawnSync(`node_modules/.bin/${program}`, args, { stdio: "inherit" }).status === 0) continue;
  failed = what;
  break;
}

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const report of Object.values(reports)) {
  const counts = countsIn(report);
  sum.passed += counts?.numPassedTests ?? 0;
  sum.failed += counts?.numFailedTests ?? 0;
  sum.skipped += counts?.numPendingTests ?? 0;
}
if (failed) console.error(`\n${failed}: failed`);
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(failed ? 1 : 0);

function projects(...names: readonly string[]): string[] {
  return names.flatMap((name) => ["--project", name]);
}

function reporting(file: string): string[] {
  return ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
}

function countsIn(file: string): Counts | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined; // the run did not come so far
  }
}
