import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

// Four projects: `unit` and `simulation` need nothing but Node.js; `differential` the recordings of a real API server besides; `system` starts servers, Docker and network namespaces. Its
// files mostly wait, so five of them run at a time on two cores; each has its own ports, directories, bridges and machines.
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          setupFiles: ["test/support/seed.ts", "test/support/patience.ts"],
          include: ["src/**/*.test.ts", "scripts/**/*.test.ts", "test/{architecture,fuzz}/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "differential",
          setupFiles: "test/support/patience.ts",
          include: ["test/differential/**/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: "simulation",
          setupFiles: "test/support/patience.ts",
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: "system",
          setupFiles: "test/support/patience.ts",
          include: ["test/{api,machines,faults}/**/*.test.ts"],
          globalSetup: "test/support/global-setup.ts",
          maxWorkers: 5,
          // Above what a single wait may take (eventually.ts): which one it was that did not come is then said.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
