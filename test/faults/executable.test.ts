import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { openApi } from "../support/api.ts";
import { eventually, Hopeless } from "../support/eventually.ts";
import { must, start } from "../support/run.ts";
import { freePort, serverFlags } from "../support/server.ts";

const root = resolve(import.meta.dirname, "../..");
const skiff = join(root, "dist/skiff");

test("the executable prints its version, its help and its licences", async () => {
  expect(await must(skiff, ["--version"])).toMatch(/^skiff \d+\.\d+\.\d+/);
  expect(await must(skiff, ["help", "server"])).toContain("--data-dir DIR");
  const licences = await must(skiff, ["licences"]);
  for (const name of ["Apache License", "better-sqlite3", "hono", "Node.js"]) expect(licences).toContain(name);
});

test("it obeys no NODE_OPTIONS", async () => {
  expect(await must(skiff, ["--version"], { env: { NODE_OPTIONS: "--require /does/not/exist" } })).toMatch(/^skiff /);
});

test("an executable for arm64 is built here and serves the API under emulation", { timeout: 600_000 }, async () => {
  if (process.arch !== "x64") return; // on arm64 the other tests run the real thing
  await must(join(root, "node_modules/.bin/node"), ["scripts/build.ts", "--arch", "arm64"], {
    cwd: root,
    limitMs: 300_000,
  });
  const emulated = ["-L", "/usr/aarch64-linux-gnu", join(root, "dist/skiff-arm64")];
  expect(await must("qemu-aarch64-static", [...emulated, "--version"])).toMatch(/^skiff \d/);
  const directory = mkdtempSync(join(tmpdir(), "skiff-arm64-"));
  const server = start("qemu-aarch64-static", [...emulated, "server", ...serverFlags(directory, await freePort())]);
  try {
    await eventually(
      async () => {
        if (server.child.exitCode !== null) throw new Hopeless(server.output());
        if (!existsSync(join(directory, "kubeconfig"))) throw new Error(`no kubeconfig yet:\n${server.output()}`);
        using api = openApi(join(directory, "kubeconfig"));
        expect((await api.request("GET", "/readyz")).status).toBe(200);
        expect((await api.request("GET", "/api/v1/namespaces/kube-system")).status).toBe(200);
      },
      { limitMs: 180_000 },
    );
  } finally {
    await server.stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
});
