import { spawn } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defaultKubeconfig } from "../../app/paths.ts";
import { type Command, UsageError } from "../command.ts";

/** Runs the machine's own kubectl with skiff's kubeconfig, unless the user says another one. */
export const kubectl: Command = {
  name: "kubectl",
  summary: "run the kubectl found on this machine against this cluster",
  about: [
    "skiff does not contain kubectl; it runs the one on the PATH with KUBECONFIG set to skiff's own file, unless KUBECONFIG is set already or --kubeconfig is given.",
  ],
  flags: [],
  operands: "ARGUMENTS…",
  passThrough: true,
  examples: [{ line: "skiff kubectl get pods -A", does: "every pod of the cluster" }],
  run({ operands }, io) {
    const program = findProgram("kubectl", io.env.PATH ?? "");
    if (!program) {
      throw new UsageError(
        "no kubectl on the PATH. Install it as https://kubernetes.io/docs/tasks/tools/ says (on Debian and Raspberry Pi OS: the package kubernetes-client, or one kubectl file in /usr/local/bin), then run this again",
        127,
      );
    }
    const child = spawn(program, operands, {
      stdio: "inherit",
      env: { ...io.env, KUBECONFIG: io.env.KUBECONFIG || defaultKubeconfig() },
    });
    // The terminal sends its signals to kubectl too: let kubectl decide, and end with it.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code) => resolve(code ?? 1));
    });
  },
};

function findProgram(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return realpathSync(file) !== process.execPath; // the installer may have made kubectl another name of skiff
      } catch {
        return false; // not there, or not a program: the next folder
      }
    });
}
