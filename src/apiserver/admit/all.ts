import type { Clock } from "../../base/clock.ts";
import type { Store } from "../../store/contract.ts";
import type { Authorizer } from "../authorize/attributes.ts";
import type { Registry } from "../registry/deps.ts";
import type { WebhookClient } from "../webhooks/client.ts";
import type { AdmissionStep } from "./admission.ts";
import { certificateApproval } from "./certificate-approval.ts";
import { certificateSigning } from "./certificate-signing.ts";
import { certificateSubjectRestriction } from "./certificate-subject-restriction.ts";
import { defaultClasses } from "./default-class.ts";
import { defaultTolerationSeconds } from "./default-toleration-seconds.ts";
import { mutatingPolicies } from "./dynamic/mutating-policies.ts";
import { validatingPolicies } from "./dynamic/validating-policies.ts";
import { webhooks } from "./dynamic/webhooks.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { persistentVolumeClaimResize } from "./persistent-volume-claim-resize.ts";
import { podSecurity } from "./pod-security.ts";
import { podTopologyLabels } from "./pod-topology-labels.ts";
import { priority } from "./priority.ts";
import { resourceQuota } from "./resource-quota.ts";
import { runtimeClass } from "./runtime-class.ts";
import { serviceAccount } from "./service-account.ts";
import { storageObjectInUseProtection } from "./storage-object-in-use-protection.ts";
import { taintNodesByCondition } from "./taint-nodes-by-condition.ts";

export interface AdmissionSurroundings {
  readonly store: Store;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly webhooks: WebhookClient;
  /** For what a step writes itself; the registry comes to be after its steps. */
  readonly registry: () => Registry;
}

/**
 * What every write passes, in Kubernetes' order ("Admission Controllers", "Which plugins are enabled by default"): first
 * whether the namespace takes anything, then what completes pods, then what guards the whole.
 */
export function admissionSteps(surroundings: AdmissionSurroundings): AdmissionStep[] {
  return [
    namespaceLifecycle(surroundings),
    // Before the pod's other completions: containers that those add have no defaults of the namespace.
    limitRanger(surroundings),
    serviceAccount(surroundings),
    nodeRestriction(surroundings),
    taintNodesByCondition(),
    podSecurity(surroundings),
    priority(surroundings),
    defaultTolerationSeconds(),
    ...defaultClasses(surroundings),
    storageObjectInUseProtection(),
    persistentVolumeClaimResize(surroundings),
    // Behind the tolerations that every pod has, which its class may cover.
    runtimeClass(surroundings),
    certificateApproval(surroundings),
    certificateSigning(surroundings),
    certificateSubjectRestriction(),
    podTopologyLabels(surroundings),
    // Behind all that completes an object, so that others see it whole.
    mutatingPolicies(surroundings),
    webhooks(surroundings),
    validatingPolicies(surroundings),
    // Last: what another step refuses is not charged.
    resourceQuota(surroundings),
  ];
}
