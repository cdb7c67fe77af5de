import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join } from "node:path";
import { refusalOf } from "../refusals.ts";
import { type Check, ok, problem } from "./check.ts";

export const apiPort: Check = {
  name: "API port",
  concerns: ({ listen }) => listen !== undefined,
  async look({ listen = { address: "0.0.0.0", port: 6443 }, dataDirectory }) {
    const error = await listenError(listen);
    if (!error) return ok(`${listen.port} is free`);
    const refusal = refusalOf(error, { listen, dataDirectory }) ?? error.message;
    if (error.code !== "EADDRINUSE") return problem(error.code ?? "refused", refusal);
    const { pid, name: owner } = listenerOf(listen.port) ?? {};
    if (pid === process.pid || owner?.startsWith("skiff")) return ok(`${listen.port} is skiff's, which runs`);
    return problem(
      `${listen.port} is in use${owner ? ` by ${owner}` : ""}`,
      owner ? refusal.replace("by another program", `by ${owner}`) : refusal,
    );
  },
};

function listenError({ address, port }: { address: string; port: number }): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", resolve);
    probe.listen(port, address, () => probe.close(() => resolve(undefined)));
  });
}

/** The program that listens on a TCP port; undefined where this user may not see it. */
function listenerOf(port: number): { pid: number; name: string } | undefined {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const listening = "0A";
  const inodes = ["tcp", "tcp6"].flatMap((file) => {
    const rows = readFileSync(join("/proc/net", file), "utf8").split("\n").slice(1);
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter(([, local, , state]) => local?.endsWith(`:${hexPort}`) && state === listening)
      .map((row) => `socket:[${row[9]}]`);
  });
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (links(join("/proc", pid, "fd")).some((target) => inodes.includes(target)))
      return { pid: Number(pid), name: programOf(pid) };
  }
  return undefined;
}

/** The kernel marks a program that was replaced while it runs. */
function programOf(pid: string): string {
  return basename(readlinkSync(join("/proc", pid, "exe")).replace(/ \(deleted\)$/, ""));
}

/** What the open files of a process are; nothing of a process that has ended or is another user's. */
function links(folder: string): string[] {
  return orNothing(() => readdirSync(folder)).flatMap((name) => orNothing(() => [readlinkSync(join(folder, name))]));
}

function orNothing(read: () => string[]): string[] {
  try {
    return read();
  } catch {
    return []; // it was there a moment ago, or may not be seen
  }
}
