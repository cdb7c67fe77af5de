import { homedir } from "node:os";
import { join } from "node:path";

const isRoot = (): boolean => process.getuid?.() === 0;

/** Where the data lies unless --data-dir says otherwise. */
export function defaultDataDirectory(): string {
  return isRoot() ? "/var/lib/skiff" : join(homedir(), ".skiff");
}

/** Where the administrator's kubeconfig is written unless --write-kubeconfig says otherwise. */
export function defaultKubeconfig(): string {
  return isRoot() ? "/etc/skiff/skiff.yaml" : join(homedir(), ".kube", "skiff.yaml");
}
