import { stringify } from "yaml";
import type { KeyPair } from "./authority.ts";

/** The kubeconfig file of one user of one cluster (Kubernetes docs, "Organizing Cluster Access Using kubeconfig Files"). */
export function kubeconfigOf({ server, ca, user }: { server: string; ca: string; user: KeyPair }): string {
  const base64 = (pem: string) => Buffer.from(pem).toString("base64");
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "default", cluster: { "certificate-authority-data": base64(ca), server } }],
      contexts: [{ name: "default", context: { cluster: "default", user: "default" } }],
      "current-context": "default",
      preferences: {},
      users: [
        {
          name: "default",
          user: { "client-certificate-data": base64(user.cert), "client-key-data": base64(user.key) },
        },
      ],
    },
    { lineWidth: 0 },
  );
}
