import type { AnyObject } from "../../api/object.ts";
import type { PodSpec as ApiPodSpec, ServiceAccount } from "../../api/schema/types.ts";
import { forbidden } from "../../api/status.ts";
import type { Store } from "../../store/contract.ts";
import { podTokenSeconds } from "../authenticate/service-account-tokens.ts";
import { heldObject } from "../registry/held.ts";
import { randomSuffix } from "../registry/metadata.ts";
import type { AdmissionStep, Review } from "./admission.ts";
import { mirrorFault, unmountable, unmountableAdded } from "./mountable-secrets.ts";
import { type Container, newPodSpec, type PodSpec, specOf } from "./pods.ts";

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const mirrorAnnotation = "kubernetes.io/config.mirror";

/** Gives pods a service account and mounts its token (Kubernetes docs, "ServiceAccount admission controller"). */
export function serviceAccount({ store }: { store: Store }): AdmissionStep {
  return {
    name: "ServiceAccount",
    mutate(review) {
      const spec = newPodSpec(review);
      const { object, call } = review;
      if (!spec || !object) return;
      if (isMirror(object)) return refuse(review, mirrorFault(object));
      spec.serviceAccountName ||= "default";
      spec.serviceAccount = spec.serviceAccountName;
      const account = accountOf(store, call.namespace ?? "", spec.serviceAccountName);
      if (!account) return refuse(review, missing(call.namespace, spec.serviceAccountName));
      if (wantsToken(spec, account)) mountToken(spec);
      const secrets = account.imagePullSecrets as PodSpec["imagePullSecrets"];
      if (!spec.imagePullSecrets?.length && secrets?.length) spec.imagePullSecrets = structuredClone(secrets);
    },
    validate(review) {
      const { object, call, operation } = review;
      const isNew = newPodSpec(review) !== undefined;
      const isAddition =
        operation === "UPDATE" && call.resource.bucket === "pods" && call.subresource === "ephemeralcontainers";
      if (!object || (!isNew && !isAddition)) return;
      if (isNew && isMirror(object)) return refuse(review, mirrorFault(object));
      const { serviceAccountName = "" } = specOf(object);
      const { namespace = "" } = call;
      if (!serviceAccountName)
        return refuse(review, `no service account specified for pod ${namespace}/${object.metadata.name}`);
      const account = accountOf(store, namespace, serviceAccountName) as ServiceAccount | undefined;
      if (!account) return refuse(review, missing(namespace, serviceAccountName));
      const spec = object.spec as ApiPodSpec;
      refuse(review, isNew ? unmountable(account, spec) : unmountableAdded(account, spec));
    },
  };
}

/** Mirror pods show what a node runs by itself; they use no account. */
function isMirror({ metadata }: AnyObject): boolean {
  return metadata.annotations?.[mirrorAnnotation] !== undefined;
}

function missing(namespace: string | undefined, account: string): string {
  return `error looking up service account ${namespace}/${account}: serviceaccount ${JSON.stringify(account)} not found`;
}

function refuse({ call, object }: Review, why: string | undefined): void {
  if (why === undefined) return;
  const { name, generateName } = object?.metadata ?? {};
  throw forbidden(call.resource.name, name || (generateName ?? ""), why);
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

function tokenVolume(name: string): { name: string; projected: unknown } {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: podTokenSeconds, path: "token" } },
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
