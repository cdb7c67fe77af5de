import { execFileSync } from "node:child_process";

const compilers = { x64: "x86_64-linux-gnu-gcc", arm64: "aarch64-linux-gnu-gcc" };
// Its functions of Node.js and glibc are found in the process that loads it: neither headers nor libraries are needed.
const flags = [
  ...["-Os", "-shared", "-fPIC", "-nostdlib", "-ffreestanding", "-fvisibility=hidden", "-s"],
  ...["-fno-asynchronous-unwind-tables", "-fno-stack-protector", "-Wall", "-Wextra", "-Werror"],
  "-Wl,--build-id=none,-z,noseparate-code",
];

/** Compiles src/app/native/memory.c for an architecture into a file. */
export function buildMemoryAddon(arch: "x64" | "arm64", output: string): void {
  execFileSync(compilers[arch], [...flags, "-o", output, "src/app/native/memory.c"], { stdio: "inherit" });
}
