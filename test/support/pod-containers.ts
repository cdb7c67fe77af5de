import type { Machine } from "./machine.ts";

/** `docker` on a machine: what it prints; an exit code other than 0 is an error. */
export const dockerOn = (machine: Machine, ...args: string[]): Promise<string> =>
  machine.must("docker", ["-H", "unix:///run/docker.sock", ...args]);

/** The ids of the containers named "c" that run, by their pod; without those that hold pods' namespaces. */
export async function podContainers(machine: Machine): Promise<Record<string, string>> {
  const lines = (await dockerOn(machine, "ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}")).trim().split("\n");
  const own = lines.filter((line) => / k8s_c_/.test(line));
  return Object.fromEntries(own.map((line) => [/k8s_c_([^_]+)_/.exec(line)?.[1] ?? "", line.split(" ")[0] ?? ""]));
}
