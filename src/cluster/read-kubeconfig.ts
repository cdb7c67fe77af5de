import { readFile } from "node:fs/promises";
import { parse } from "yaml";

/** Where a kubeconfig written by kubeconfigOf leads, and what to show there; all PEM. */
export interface Access {
  readonly server: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Reads a kubeconfig of the form that skiff writes. @throws {Error} naming the file and what is missing in it */
export async function readKubeconfig(file: string): Promise<Access> {
  const { clusters, users } = parse(await readFile(file, "utf8")) ?? {};
  const [cluster, user] = [clusters?.[0]?.cluster, users?.[0]?.user];
  const pem = (part: Record<string, string> | undefined, field: string): string => {
    const text = part?.[field];
    if (!text) throw new Error(`${file} has no ${field}: it is not a kubeconfig that skiff wrote`);
    return Buffer.from(text, "base64").toString();
  };
  return {
    server: cluster?.server ?? "",
    ca: pem(cluster, "certificate-authority-data"),
    cert: pem(user, "client-certificate-data"),
    key: pem(user, "client-key-data"),
  };
}
