import { parseCidr } from "../base/ip.ts";
import type { Controller, ControllerEnvironment } from "../client/controller.ts";
import { clusterRoleAggregationController } from "./clusterrole-aggregation/controller.ts";
import { cronJobController } from "./cronjob/controller.ts";
import { daemonSetController } from "./daemonset/controller.ts";
import { deploymentController } from "./deployment/controller.ts";
import { disruptionController } from "./disruption/controller.ts";
import { endpointsController } from "./endpoints/controller.ts";
import { endpointSliceController } from "./endpointslice/controller.ts";
import { ephemeralVolumeController } from "./ephemeral-volume/controller.ts";
import { startGarbageCollection } from "./garbage-collection/controller.ts";
import { jobController } from "./job/controller.ts";
import { namespaceController } from "./namespace/controller.ts";
import { nodeIpamController } from "./node-ipam/controller.ts";
import { nodeLifecycleController } from "./node-lifecycle/controller.ts";
import type { ControllerOptions } from "./options.ts";
import { claimBinder, volumePhases } from "./persistentvolume/controller.ts";
import { podGcController } from "./pod-gc/controller.ts";
import { replicaSetController } from "./replicaset/controller.ts";
import { replicationControllerController } from "./replicationcontroller/controller.ts";
import { resourceQuotaController } from "./resourcequota/controller.ts";
import { rootCaController } from "./root-ca/controller.ts";
import { serviceLoadBalancerController } from "./service-load-balancer/controller.ts";
import { serviceAccountController } from "./serviceaccount/controller.ts";
import { statefulSetController } from "./statefulset/controller.ts";
import { taintEvictionController } from "./taint-eviction/controller.ts";
import { ttlAfterFinishedController } from "./ttl-after-finished/controller.ts";
import { claimProtectionController, volumeProtectionController } from "./volume-protection/controller.ts";

/** Every controller, in the order that people read them; they start together. */
export function allControllers({
  clusterCidrs,
  rootCa,
  nodeMonitorGraceMs = 50_000,
  nodeStartupGraceMs = 60_000,
  serviceLoadBalancer = true,
}: ControllerOptions): readonly Controller[] {
  return [
    deploymentController,
    replicaSetController,
    replicationControllerController,
    statefulSetController,
    daemonSetController(),
    jobController(),
    cronJobController,
    ttlAfterFinishedController,
    endpointSliceController,
    endpointsController,
    disruptionController,
    claimBinder,
    volumePhases,
    ephemeralVolumeController,
    claimProtectionController,
    volumeProtectionController,
    resourceQuotaController,
    namespaceController,
    serviceAccountController,
    clusterRoleAggregationController,
    rootCaController(rootCa),
    nodeLifecycleController({ graceMs: nodeMonitorGraceMs, startupGraceMs: nodeStartupGraceMs }),
    nodeIpamController(clusterCidrs.flatMap((text) => parseCidr(text) ?? [])),
    taintEvictionController(),
    podGcController(),
    ...(serviceLoadBalancer ? [serviceLoadBalancerController] : []),
  ];
}

/** A part that looks at every kind there is, and so is no controller of one. */
export interface WholeClusterPart {
  /** The service account in kube-system whose rights it acts with. */
  readonly account: string;
  start(environment: ControllerEnvironment): Promise<Disposable>;
}

export const wholeClusterParts: readonly WholeClusterPart[] = [
  { account: "generic-garbage-collector", start: startGarbageCollection },
];
