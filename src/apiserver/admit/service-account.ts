import type { AnyObject } from "../../api/object.ts";
import { forbidden } from "../../api/status.ts";
import type { Store } from "../../store/contract.ts";
import { heldObject } from "../registry/held.ts";
import { randomSuffix } from "../registry/metadata.ts";
import type { AdmissionStep } from "./admission.ts";
import { type Container, newPodSpec, type PodSpec } from "./pods.ts";

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const mirrorAnnotation = "kubernetes.io/config.mirror";

/** Gives pods a service account and mounts its token (Kubernetes docs, "ServiceAccount admission controller"). */
export function serviceAccount({ store }: { store: Store }): AdmissionStep {
  return {
    name: "ServiceAccount",
    mutate(review) {
      const spec = newPodSpec(review);
      const { object, call } = review;
      // Mirror pods show what a node runs by itself; they use no account.
      if (!spec || !object || object.metadata.annotations?.[mirrorAnnotation] !== undefined) return;
      spec.serviceAccountName ||= "default";
      spec.serviceAccount = spec.serviceAccountName;
      const account = accountOf(store, call.namespace ?? "", spec.serviceAccountName);
      if (!account)
        throw forbidden(
          call.resource.name,
          object.metadata.name || (object.metadata.generateName ?? ""),
          `error looking up service account ${call.namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`,
        );
      if (wantsToken(spec, account)) mountToken(spec);
      const secrets = account.imagePullSecrets as PodSpec["imagePullSecrets"];
      if (!spec.imagePullSecrets?.length && secrets?.length) spec.imagePullSecrets = structuredClone(secrets);
    },
  };
}

function accountOf(store: Store, namespace: string, name: string): AnyObject | undefined {
  const entry = store.latest(`/serviceaccounts/${namespace}/${name}`);
  return entry && heldObject(entry);
}

function wantsToken(spec: PodSpec, account: AnyObject): boolean {
  return spec.automountServiceAccountToken ?? (account.automountServiceAccountToken as boolean | undefined) ?? true;
}

function mountToken(spec: PodSpec): void {
  const known = spec.volumes?.find(({ name }) => name.startsWith("kube-api-access-"));
  const name = known?.name ?? `kube-api-access-${randomSuffix()}`;
  let mounted = false;
  const mount = (container: Container): void => {
    if (container.volumeMounts?.some(({ mountPath }) => mountPath === tokenPath)) return;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: tokenPath }];
    mounted = true;
  };
  for (const container of spec.initContainers ?? []) mount(container);
  for (const container of spec.containers ?? []) mount(container);
  if (mounted && !known) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

// Nodes renew the token before it ends; programs that read it once have a little over an hour.
const expirationSeconds = 3607;

function tokenVolume(name: string): { name: string; projected: unknown } {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
      defaultMode: 0o644,
    },
  };
}
