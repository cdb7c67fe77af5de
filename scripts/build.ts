/**
 * Makes dist/skiff: one executable of Node.js, the bundle, the native addon, the built-in images and the licences.
 *
 *   npm run build                 for this machine
 *   npm run build -- --arch arm64 for another architecture (x64 or arm64), into dist/skiff-arm64
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { installationFiles } from "../src/app/installation-files.ts";
import { allBinaries, assetName, buildBinary } from "../src/node/images/binaries.ts";
import { licenceTexts } from "./build/licences.ts";
import { buildMemoryAddon } from "./build/memory-addon.ts";
import { placesOf } from "./build/places.ts";

type Arch = "x64" | "arm64";
const { values } = parseArgs({ options: { arch: { type: "string", default: process.arch } } });
if (values.arch !== "x64" && values.arch !== "arm64") {
  console.error(`--arch ${values.arch}: skiff is built for x64 and arm64`);
  process.exit(2);
}
const arch: Arch = values.arch;
const isNative = arch === process.arch;
const root = resolve(import.meta.dirname, "..");
// What V8 may take before it collects (docs/decisions/memory.md).
const engineFlags = ["--max-semi-space-size=4", "--heap-growing-percent=50", "--v8-pool-size=2", "--expose-gc"];
process.chdir(root);
const { work, output, bundle, explain } = placesOf(arch);

step("bundling the program", () => {
  run("tsup", ["--silent", "--out-dir", bundle], { SKIFF_VERSION: versionText() });
  // Regular expressions keep their characters in spite of `charset: "ascii"`, and for one that needs more than a byte V8 holds
  // the whole text twice as wide.
  const program = join(bundle, "main.cjs");
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  writeFileSync(program, readFileSync(program, "utf8").replace(/[^\0-\x7f]/g, escaped));
});
const runtime = step("fetching the Node.js that ships", () => runtimeFor(arch));
const images = await Promise.all(
  allBinaries.map(async (name) => [assetName(name), await buildBinary(name, arch)] as const),
);
const assets = step("collecting what goes inside", () => {
  mkdirSync(work, { recursive: true });
  const addon = join(work, "better_sqlite3.node");
  copyFileSync(`node_modules/better-sqlite3/prebuilds/linux-${arch}.node`, addon);
  strip(addon);
  const memory = join(work, "memory.node");
  buildMemoryAddon(arch, memory);
  writeFileSync(join(work, "licences.txt"), licenceTexts(join(bundle, "metafile-cjs.json")));
  run("node", ["scripts/make-explain.ts", explain]);
  return {
    "better_sqlite3.node": addon,
    "memory.node": memory,
    "writer.worker.cjs": join(bundle, "writer.worker.cjs"),
    "licences.txt": join(work, "licences.txt"),
    "explain.json": explain,
    ...Object.fromEntries(images),
    ...Object.fromEntries(installationFiles.map((name) => [`systemd/${name}`, `systemd/${name}`])),
  };
});
step("making the executable", () => {
  const blob = join(work, "skiff.blob");
  const config = join(work, "executable.json");
  writeFileSync(
    config,
    JSON.stringify({
      main: join(bundle, "main.cjs"),
      output: blob,
      disableExperimentalSEAWarning: true,
      // The code cache belongs to the V8 that made it: only the same architecture's.
      useCodeCache: isNative,
      useSnapshot: false,
      execArgv: engineFlags,
      // NODE_OPTIONS could load foreign code into a process that holds the cluster's keys.
      execArgvExtension: "none",
      assets,
    }),
  );
  // V8 takes a code cache only from a V8 with the same flags; the seed of its hash tables is none of them, and would make every
  // build's bytes differ.
  run("node", [...engineFlags, "--random-seed=1", "--experimental-sea-config", config]);
  const executable = join(work, "skiff");
  copyFileSync(runtime, executable);
  strip(executable); // before the blob goes in: afterwards it would destroy it
  const fuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
  run("postject", [executable, "NODE_SEA_BLOB", blob, "--sentinel-fuse", fuse]);
  rmSync(blob);
  mkdirSync("dist", { recursive: true });
  renameSync(executable, output);
});
console.log(`${output}: ${(statSync(output).size / 1e6).toFixed(1)} MB`);

function step<T>(what: string, work: () => T): T {
  const began = performance.now();
  process.stdout.write(`${what} … `);
  const result = work();
  console.log(`${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const path = `${root}/node_modules/.bin:${process.env.PATH}`;
  try {
    execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PATH: path, ...env } });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: Buffer; stderr?: Buffer };
    console.error(`\n${program} ${args.join(" ")} failed:\n${stdout ?? ""}${stderr ?? error}`);
    process.exit(1);
  }
}

/** Removes symbols, with the tool of the file's architecture. */
function strip(file: string): void {
  run(isNative ? "strip" : arch === "arm64" ? "aarch64-linux-gnu-strip" : "x86_64-linux-gnu-strip", [file]);
}

/** The Node.js binary of an architecture: from node_modules when it is this machine's, else from the registry's package. */
function runtimeFor(target: Arch): string {
  const installed = `node_modules/node-linux-${target}/bin/node`;
  if (existsSync(installed)) return installed;
  const { optionalDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const name = `node-linux-${target}`;
  const folder = `.cache/${name}-${optionalDependencies[name]}`;
  const binary = join(folder, "package/bin/node");
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    const tarball = execFileSync(
      "npm",
      ["pack", "--silent", "--pack-destination", folder, `${name}@${optionalDependencies[name]}`],
      { encoding: "utf8" },
    );
    run("tar", ["-xzf", join(folder, tarball.trim().split("\n").at(-1) ?? ""), "-C", folder]);
  }
  return binary;
}

/** "0.1.0+3f2a91c": the version, and the commit it was built from where that is known. */
function versionText(): string {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  try {
    return `${version}+${execFileSync("git", ["rev-parse", "--short=7", "HEAD"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()}`;
  } catch {
    return version; // built from an archive without history
  }
}
