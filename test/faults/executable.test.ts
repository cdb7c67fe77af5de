import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
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

test("it carries the units and scripts of its installation, as they lie in systemd/", async () => {
  for (const name of ["skiff.service", "skiff-agent.service", "skiff-killall.sh", "skiff-uninstall.sh"])
    expect(await must(skiff, ["files", name])).toBe(readFileSync(join(root, "systemd", name), "utf8"));
});

test("it obeys no NODE_OPTIONS", async () => {
  expect(await must(skiff, ["--version"], { env: { NODE_OPTIONS: "--require /does/not/exist" } })).toMatch(/^skiff /);
});

/** The architecture that this machine is not; the other tests run the real thing of its own. */
const other =
  process.arch === "x64"
    ? { arch: "arm64", emulator: "qemu-aarch64-static", libraries: "/usr/aarch64-linux-gnu" }
    : { arch: "x64", emulator: "qemu-x86_64-static", libraries: "/usr/x86_64-linux-gnu" };

test(`an executable for ${other.arch} is built here and serves the API under emulation`, {
  timeout: 900_000,
}, async () => {
  await must(join(root, "node_modules/.bin/node"), ["scripts/build.ts", "--arch", other.arch], {
    cwd: root,
    limitMs: 300_000,
  });
  const emulated = ["-L", other.libraries, join(root, `dist/skiff-${other.arch}`)];
  expect(await must(other.emulator, [...emulated, "--version"])).toMatch(/^skiff \d/);
  const directory = mkdtempSync(join(tmpdir(), `skiff-${other.arch}-`));
  const server = start(other.emulator, [...emulated, "server", ...serverFlags(directory, await freePort())]);
  try {
    await eventually(
      async () => {
        if (server.child.exitCode !== null) throw new Hopeless(server.output());
        if (!existsSync(join(directory, "kubeconfig"))) throw new Error(`no kubeconfig yet:\n${server.output()}`);
        using api = openApi(join(directory, "kubeconfig"));
        expect((await api.request("GET", "/readyz")).status).toBe(200);
        expect((await api.request("GET", "/api/v1/namespaces/kube-system")).status).toBe(200);
      },
      { limitMs: 400_000 },
    );
  } finally {
    await server.stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
});
