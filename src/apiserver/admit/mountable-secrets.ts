import type { AnyObject } from "../../api/object.ts";
import { namedByPod } from "../../api/pod-references.ts";
import type { Container, EphemeralContainer, PodSpec, ServiceAccount } from "../../api/schema/types.ts";

const annotation = "kubernetes.io/enforce-mountable-secrets";
// As Go's strconv.ParseBool reads it.
const yes = new Set(["1", "t", "T", "true", "TRUE", "True"]);

/** Whether pods of an account may use no other Secrets than those it names (Kubernetes docs, "Service Accounts"). */
function limitsSecrets({ metadata }: ServiceAccount): boolean {
  return yes.has(metadata.annotations?.[annotation] ?? "");
}

/** Which Secret of a pod its account does not let it use; undefined: it may use all that it names. */
export function unmountable(account: ServiceAccount, spec: PodSpec): string | undefined {
  if (!limitsSecrets(account)) return undefined;
  const mountable = namesIn(account.secrets);
  const volume = spec.volumes?.find(({ secret }) => secret && !mountable.has(secret.secretName ?? ""));
  if (volume) return refusal(`volume with secret.secretName="${volume.secret?.secretName ?? ""}"`, account);
  const what =
    usedBeyond(mountable, spec.initContainers, "init container") ?? usedBeyond(mountable, spec.containers, "container");
  if (what !== undefined) return refusal(what, account);
  const pullable = namesIn(account.imagePullSecrets);
  const pulls = spec.imagePullSecrets ?? [];
  const i = pulls.findIndex(({ name = "" }) => !pullable.has(name));
  return i < 0
    ? undefined
    : `imagePullSecrets[${i}].name="${pulls[i]?.name ?? ""}" is not allowed because service account ${account.metadata.name} does not reference that imagePullSecret`;
}

/** The same for the containers that are added to a running pod. */
export function unmountableAdded(account: ServiceAccount, spec: PodSpec): string | undefined {
  if (!limitsSecrets(account)) return undefined;
  const what = usedBeyond(namesIn(account.secrets), spec.ephemeralContainers, "ephemeral container");
  return what === undefined ? undefined : refusal(what, account);
}

function refusal(what: string, { metadata: { name } }: ServiceAccount): string {
  return `${what} is not allowed because service account ${name} does not reference that secret`;
}

function namesIn(references: readonly { readonly name?: string }[] | undefined): ReadonlySet<string> {
  return new Set((references ?? []).map(({ name = "" }) => name));
}

function usedBeyond(
  mountable: ReadonlySet<string>,
  containers: readonly (Container | EphemeralContainer)[] | undefined,
  sort: string,
): string | undefined {
  for (const { name, env, envFrom } of containers ?? []) {
    for (const { name: variable, valueFrom } of env ?? []) {
      const secret = valueFrom?.secretKeyRef;
      if (secret && !mountable.has(secret.name ?? ""))
        return `${sort} ${name} with envVar ${variable} referencing secret.secretName="${secret.name ?? ""}"`;
    }
    for (const { secretRef } of envFrom ?? [])
      if (secretRef && !mountable.has(secretRef.name ?? ""))
        return `${sort} ${name} with envFrom referencing secret.secretName="${secretRef.name ?? ""}"`;
  }
  return undefined;
}

/** What a mirror pod names that it may not: it is a node's account of what runs there, and opens nothing to the node. */
export function mirrorFault(pod: AnyObject): string | undefined {
  const spec = (pod.spec ?? {}) as PodSpec;
  if (spec.serviceAccountName) return "a mirror pod may not reference service accounts";
  if (namedByPod(spec).some(({ resource }) => resource === "secrets")) return "a mirror pod may not reference secrets";
  const hasToken = (spec.volumes ?? []).some(({ projected }) =>
    projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined),
  );
  return hasToken ? "a mirror pod may not use ServiceAccountToken volume projections" : undefined;
}
