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
  const alive: readonly HealthCheck[] = [isSo("ping"), isSo("log"), { name: "etcd", check: storeAnswers }];
  const started = beginnings.map(isSo);
  return {
    healthz: new HealthChecks("healthz", [...alive, ...started]),
    livez: new HealthChecks("livez", [...alive, ...started]),
    readyz: new HealthChecks("readyz", [
      ...alive,
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
  "poststarthook/start-apiextensions-controllers",
  "poststarthook/crd-informer-synced",
  "poststarthook/start-system-namespaces-controller",
  "poststarthook/storage-readiness",
  "poststarthook/rbac/bootstrap-roles",
  "poststarthook/scheduling/bootstrap-system-priority-classes",
  "poststarthook/bootstrap-controller",
];

/** A check that is passed by being asked. */
function isSo(name: string): HealthCheck {
  return { name, check() {} };
}
