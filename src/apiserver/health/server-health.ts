import type { Store } from "../../store/contract.ts";
import { type HealthCheck, HealthChecks } from "./checks.ts";

export interface ServerHealth extends Record<string, HealthChecks> {
  readonly healthz: HealthChecks;
  readonly livez: HealthChecks;
  readonly readyz: HealthChecks;
}

/** What the server is asked about itself, under the names that probes and operators know from Kubernetes. */
export function serverHealth(store: Store, stopping: AbortSignal): ServerHealth {
  const storeAnswers = async (): Promise<void> => void (await store.readBarrier());
  const stores = { name: "etcd", check: storeAnswers };
  const alive: readonly HealthCheck[] = [isSo("ping"), isSo("log"), isSo("loopback-serving-certificate"), stores];
  const started = beginnings.map(isSo);
  return {
    healthz: new HealthChecks("healthz", [...alive, ...started]),
    livez: new HealthChecks("livez", [...alive, ...started]),
    readyz: new HealthChecks("readyz", [
      isSo("ping"),
      isSo("log"),
      stores,
      { name: "etcd-readiness", check: storeAnswers },
      isSo("informer-sync"),
      ...started,
      {
        name: "shutdown",
        check() {
          if (stopping.aborted) throw new Error("process is shutting down");
        },
      },
    ]),
  };
}

/** What Kubernetes' server does once it answers, and this one has done before: who can ask is told that it is done. */
const beginnings = [
  "poststarthook/start-apiserver-admission-initializer",
  "poststarthook/generic-apiserver-start-informers",
  "poststarthook/priority-and-fairness-config-consumer",
  "poststarthook/priority-and-fairness-filter",
  "poststarthook/storage-object-count-tracker-hook",
  "poststarthook/start-apiextensions-informers",
  "poststarthook/start-apiextensions-controllers",
  "poststarthook/crd-informer-synced",
  "poststarthook/start-system-namespaces-controller",
  "poststarthook/peer-endpoint-reconciler-controller",
  "poststarthook/start-cluster-authentication-info-controller",
  "poststarthook/start-kube-apiserver-identity-lease-controller",
  "poststarthook/start-kube-apiserver-identity-lease-garbage-collector",
  "poststarthook/storage-readiness",
  "poststarthook/start-legacy-token-tracking-controller",
  "poststarthook/start-service-ip-repair-controllers",
  "poststarthook/rbac/bootstrap-roles",
  "poststarthook/scheduling/bootstrap-system-priority-classes",
  "poststarthook/priority-and-fairness-config-producer",
  "poststarthook/bootstrap-controller",
  "poststarthook/start-kubernetes-service-cidr-controller",
  "poststarthook/start-kube-aggregator-informers",
  "poststarthook/apiservice-status-local-available-controller",
  "poststarthook/apiservice-status-remote-available-controller",
  "poststarthook/apiservice-registration-controller",
  "poststarthook/apiservice-wait-for-first-sync",
  "poststarthook/apiservice-discovery-controller",
  "poststarthook/kube-apiserver-autoregistration",
  "autoregister-completion",
  "poststarthook/apiservice-openapi-controller",
  "poststarthook/apiservice-openapiv3-controller",
];

/** A check that is passed by being asked. */
function isSo(name: string): HealthCheck {
  return { name, check() {} };
}
