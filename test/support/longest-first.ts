import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The system tests that take longest, in the order in which they are begun, before all others: a long one that is begun
 * late is what everybody waits for in the end. Those that wait and those that work take turns.
 */
const longest = [
  "machines/install-docs", // makes the Debian of the others with systemd, where there is none yet
  "faults/soak",
  "faults/kill",
  "machines/nodes-network",
  "machines/jobs",
  "faults/card-stall",
  "machines/workloads",
  "faults/executable",
  "machines/network-obstacles",
  "machines/pod-spec",
  "machines/node",
  "machines/install-release",
  "machines/install-systemd",
  "faults/snapshots",
  "machines/kubectl",
  "machines/renewal",
  "machines/shutdown",
  "faults/cut-node",
  "machines/network-conformance",
  "machines/storage",
  "machines/containers",
].map((name) => resolve(import.meta.dirname, "..", `${name}.test.ts`));

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const gone = longest.find((file) => !existsSync(file));
    if (gone) throw new Error(`${gone} is not there: take it out of ${join(import.meta.dirname, "longest-first.ts")}`);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.indexOf(moduleId);
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
