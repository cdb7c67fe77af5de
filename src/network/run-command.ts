import { spawn } from "node:child_process";
import { CannotStart } from "../base/lifecycle.ts";

/** A program that the network needs is not installed, or cannot be started. */
export class ToolMissing extends CannotStart {
  override readonly name = "ToolMissing";
  readonly tool: string;
  constructor(tool: string, options?: ErrorOptions) {
    super(`${tool} was not found: install ${packages[tool] ?? tool}`, options);
    this.tool = tool;
  }
}

/** A program ended with a failure; the message holds what it said. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly status: number | null;
  readonly stderr: string;
  constructor(command: string, status: number | null, stderr: string) {
    super(`${command} failed: ${stderr.trim().split("\n")[0] || `exit status ${status}`}`);
    this.status = status;
    this.stderr = stderr;
  }
}

/** The Debian packages that bring the programs. */
const packages: Readonly<Record<string, string>> = {
  ip: "iproute2",
  nft: "nftables",
  nsenter: "util-linux",
  bridge: "iproute2",
  conntrack: "conntrack",
  wg: "wireguard-tools",
  unshare: "util-linux",
};

// What one program may print: 1,000 links with their details are about 1 MB.
const longestOutputBytes = 64 << 20;

/**
 * Runs a program to its end and resolves with what it printed.
 * @throws {ToolMissing} @throws {CommandFailed}
 */
export function runCommand(
  command: string,
  args: readonly string[],
  { input = "", signal, env }: { input?: string; signal?: AbortSignal; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      signal,
      stdio: ["pipe", "pipe", "pipe"],
      ...(env && { env: { ...process.env, ...env } }),
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (stdout.length > longestOutputBytes) child.kill("SIGKILL");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < longestOutputBytes) stderr += text;
    });
    child.once("error", (cause: NodeJS.ErrnoException) =>
      reject(cause.code === "ENOENT" ? new ToolMissing(command, { cause }) : cause),
    );
    child.once("close", (status) =>
      status === 0 ? resolve(stdout) : reject(new CommandFailed([command, ...args].join(" "), status, stderr)),
    );
    // A program that ends before it has read its input says so by its status.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
