import { spawn } from "node:child_process";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { getAsset, isSea } from "node:sea";
import { ifAbsent } from "../../base/files.ts";

/** The programs that skiff brings along, written in C beside this file. */
export type Binary = "pause" | "hello" | "forward" | "notify";
export const allBinaries: readonly Binary[] = ["pause", "hello", "forward", "notify"];
export type Architecture = "x64" | "arm64";

/** A program for this machine: an asset ("images/pause") of the executable, or built when skiff runs from its sources. */
export async function binary(name: Binary): Promise<Buffer> {
  if (isSea()) return Buffer.from(getAsset(assetName(name)));
  return readFile(await buildBinary(name, process.arch as Architecture));
}

/** Writes a program into a directory, where this machine can start it; resolves with its path. */
export async function installBinary(name: Binary, directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const program = join(directory, name);
  const bytes = await binary(name);
  const there = await readFile(program).catch(ifAbsent);
  if (there?.equals(bytes)) return program;
  // Renamed into place, because a program that runs cannot be written to.
  await writeFile(`${program}.new`, bytes, { mode: 0o700 });
  await rename(`${program}.new`, program);
  return program;
}

export const assetName = (name: Binary): string => `images/${name}`;

const compilers: Record<Architecture, string> = { x64: "x86_64-linux-gnu-gcc", arm64: "aarch64-linux-gnu-gcc" };
const flags = [
  ...["-Os", "-static", "-nostdlib", "-ffreestanding", "-fno-builtin", "-fno-pie", "-no-pie", "-s"],
  ...["-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror"],
  "-Wl,--build-id=none,-z,norelro,-z,noseparate-code",
];

/** Compiles a program into .cache/images/ of the sources unless it is there and newer; resolves with its path. */
export async function buildBinary(name: Binary, architecture: Architecture): Promise<string> {
  const sources = resolve(import.meta.dirname);
  const directory = join(sources, "../../../.cache/images", architecture);
  const [source, header, target] = [join(sources, `${name}.c`), join(sources, "system.h"), join(directory, name)];
  const built = await changedAtMs(target);
  if (built > (await changedAtMs(source)) && built > (await changedAtMs(header))) return target;

  await mkdir(directory, { recursive: true });
  const unfinished = `${target}.${process.pid}`;
  await compile(compilers[architecture], [...flags, "-o", unfinished, source]);
  await rename(unfinished, target);
  return target;
}

async function changedAtMs(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

function compile(compiler: string, args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(compiler, args, { stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", (cause) => fail(new Error(`${compiler} is needed to build skiff's own images`, { cause })));
    child.on("exit", (code) => (code === 0 ? done() : fail(new Error(`${compiler} ended with ${code}`))));
  });
}
