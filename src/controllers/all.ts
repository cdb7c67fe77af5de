import type { CertificateSigner } from "../api/certificate-signer.ts";
import { parseCidr } from "../base/ip.ts";
import type { Controller, ControllerEnvironment } from "../client/controller.ts";
import { attachDetachController } from "./attach-detach/controller.ts";
import { bootstrapSigner, tokenCleaner } from "./bootstrap/controller.ts";
import { certificateApprover, certificateCleaner, certificateSigning } from "./certificates/controller.ts";
import { skiffProvider } from "./cloud/skiff.ts";
import { cloudNodeController } from "./cloud-node/controller.ts";
import { clusterRoleAggregationController } from "./clusterrole-aggregation/controller.ts";
import { cronJobController } from "./cronjob/controller.ts";
import { daemonSetController } from "./daemonset/controller.ts";
import { deploymentController } from "./deployment/controller.ts";
import { disruptionController } from "./disruption/controller.ts";
import { staleDisruptions } from "./disruption/stale.ts";
import { endpointsController } from "./endpoints/controller.ts";
import { endpointSliceController } from "./endpointslice/controller.ts";
import { endpointSliceMirroringController } from "./endpointslice-mirroring/controller.ts";
import { ephemeralVolumeController } from "./ephemeral-volume/controller.ts";
import { startGarbageCollection } from "./garbage-collection/controller.ts";
import { horizontalPodAutoscalerController } from "./horizontalpodautoscaler/controller.ts";
import { jobController } from "./job/controller.ts";
import { legacyTokenCleaner, legacyTokenTracking } from "./legacy-tokens/controller.ts";
import { strandedClaims, strandedVolumes } from "./local-path/controller.ts";
import { namespaceController } from "./namespace/controller.ts";
import { nodeIpamController } from "./node-ipam/controller.ts";
import { nodeLifecycleController } from "./node-lifecycle/controller.ts";
import { type ControllerOptions, type ControllerSettings, defaultSettings, type PortRange } from "./options.ts";
import { claimBinder, volumePhases } from "./persistentvolume/controller.ts";
import { podGcController } from "./pod-gc/controller.ts";
import { replicaSetController } from "./replicaset/controller.ts";
import { replicationControllerController } from "./replicationcontroller/controller.ts";
import { resourceQuotaController } from "./resourcequota/controller.ts";
import { rootCaController } from "./root-ca/controller.ts";
import { ipAddressRepair, nodePortRepair, serviceAddressRepair } from "./service-allocation/controller.ts";
import { serviceCidrController } from "./service-cidr/controller.ts";
import { serviceLoadBalancerController } from "./service-load-balancer/controller.ts";
import { serviceAccountController } from "./serviceaccount/controller.ts";
import { serviceAccountTokenController } from "./serviceaccount-token/controller.ts";
import { statefulSetController } from "./statefulset/controller.ts";
import { taintEvictionController } from "./taint-eviction/controller.ts";
import { ttlAfterFinishedController } from "./ttl-after-finished/controller.ts";
import { validatingPolicyStatusController } from "./validating-policy-status/controller.ts";
import { volumeExpansionController } from "./volume-expansion/controller.ts";
import {
  attributesClassProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from "./volume-protection/controller.ts";

/** A controller under the name that kube-controller-manager's setting `controllers` gives it. */
interface Entry {
  readonly name: string;
  make(options: ControllerOptions, settings: ControllerSettings): readonly (Controller | WholeClusterPart)[];
}

const certificateEntries: readonly Entry[] = [
  { name: "certificatesigningrequest-approving-controller", make: certificateApprover },
  {
    name: "certificatesigningrequest-signing-controller",
    make: (signer: CertificateSigner, { signingDurationMs }: ControllerSettings) =>
      certificateSigning(signer, signingDurationMs),
  },
  { name: "certificatesigningrequest-cleaner-controller", make: certificateCleaner },
].map(({ name, make }) => ({
  name,
  make: ({ certificates }, settings) => (certificates ? [make(certificates, settings)] : []),
}));

/** Every controller, in the order that people read them; they start together. */
const entries: readonly Entry[] = [
  { name: "deployment-controller", make: () => [deploymentController] },
  { name: "replicaset-controller", make: () => [replicaSetController] },
  { name: "replicationcontroller-controller", make: () => [replicationControllerController] },
  { name: "statefulset-controller", make: () => [statefulSetController] },
  { name: "daemonset-controller", make: () => [daemonSetController()] },
  { name: "job-controller", make: () => [jobController()] },
  { name: "cronjob-controller", make: () => [cronJobController] },
  { name: "ttl-after-finished-controller", make: () => [ttlAfterFinishedController] },
  {
    name: "endpointslice-controller",
    make: (_, { maxEndpointsPerSlice }) => [endpointSliceController({ size: maxEndpointsPerSlice })],
  },
  {
    name: "endpointslice-mirroring-controller",
    make: (_, { mirroringMaxEndpointsPerSubset }) => [
      endpointSliceMirroringController({ most: mirroringMaxEndpointsPerSubset }),
    ],
  },
  { name: "endpoints-controller", make: () => [endpointsController()] },
  { name: "disruption-controller", make: () => [disruptionController, staleDisruptions] },
  {
    name: "persistentvolume-binder-controller",
    make: (_, { claimBinderSyncMs: syncMs }) => [claimBinder({ syncMs }), volumePhases],
  },
  { name: "persistentvolume-attach-detach-controller", make: () => [attachDetachController()] },
  { name: "persistentvolume-expander-controller", make: () => [volumeExpansionController] },
  {
    name: "local-path-controller",
    make: ({ localStorage = true }) => (localStorage ? [strandedClaims, strandedVolumes] : []),
  },
  { name: "ephemeral-volume-controller", make: () => [ephemeralVolumeController] },
  { name: "persistentvolumeclaim-protection-controller", make: () => [claimProtectionController] },
  { name: "persistentvolume-protection-controller", make: () => [volumeProtectionController] },
  {
    name: "volumeattributesclass-protection-controller",
    make: () => [attributesClassProtectionController],
  },
  {
    name: "resourcequota-controller",
    make: (_, { quotaSyncMs: syncMs }) => [resourceQuotaController({ syncMs })],
  },
  { name: "namespace-controller", make: () => [namespaceController] },
  { name: "serviceaccount-controller", make: () => [serviceAccountController] },
  {
    name: "serviceaccount-token-controller",
    make: ({ rootCa, makeAccountToken: makeToken }) =>
      makeToken ? [serviceAccountTokenController({ rootCa, makeToken })] : [],
  },
  {
    name: "legacy-serviceaccount-token-cleaner-controller",
    make: (_, { legacyTokenUnusedMs: unusedMs }) => [legacyTokenCleaner({ unusedMs })],
  },
  { name: "clusterrole-aggregation-controller", make: () => [clusterRoleAggregationController] },
  {
    name: "horizontal-pod-autoscaler-controller",
    make: (_, settings) => [horizontalPodAutoscalerController(settings)],
  },
  ...certificateEntries,
  { name: "bootstrap-signer-controller", make: () => [bootstrapSigner] },
  { name: "token-cleaner-controller", make: () => [tokenCleaner] },
  { name: "root-ca-certificate-publisher-controller", make: ({ rootCa }) => [rootCaController(rootCa)] },
  {
    name: "node-lifecycle-controller",
    make: (_, settings) => [
      nodeLifecycleController({
        graceMs: settings.nodeMonitorGraceMs,
        startupGraceMs: settings.nodeStartupGraceMs,
        periodMs: settings.nodeMonitorPeriodMs,
        rates: {
          normal: settings.nodeEvictionRate,
          partial: settings.secondaryNodeEvictionRate,
          threshold: settings.unhealthyZoneThreshold,
          large: settings.largeClusterSizeThreshold,
        },
      }),
    ],
  },
  {
    name: "node-ipam-controller",
    make: ({ clusterCidrs }, { nodeCidrMaskSizeIPv4, nodeCidrMaskSizeIPv6 }) => [
      nodeIpamController(
        clusterCidrs.flatMap((text) => parseCidr(text) ?? []),
        { 4: nodeCidrMaskSizeIPv4, 6: nodeCidrMaskSizeIPv6 },
      ),
    ],
  },
  { name: "taint-eviction-controller", make: () => [taintEvictionController()] },
  {
    name: "pod-garbage-collector-controller",
    make: (_, { terminatedPodThreshold }) => [podGcController({ threshold: terminatedPodThreshold })],
  },
  { name: "garbage-collector-controller", make: () => [garbageCollection] },
  { name: "validatingadmissionpolicy-status-controller", make: () => [validatingPolicyStatusController] },
  { name: "service-cidr-controller", make: () => [serviceCidrController] },
  {
    name: "cloud-node-controller",
    make: ({ cloudNodes = true }) => (cloudNodes ? [cloudNodeController(skiffProvider)] : []),
  },
  {
    name: "service-lb-controller",
    make: ({ serviceLoadBalancer: offered = true }) => [
      serviceLoadBalancerController({ provider: skiffProvider, offered }),
    ],
  },
];

/** Loops that belong to the API server in Kubernetes: they run also where the controllers do not. */
export function serverLoops(nodePorts: PortRange): readonly Controller[] {
  return [serviceAddressRepair, ipAddressRepair, nodePortRepair(nodePorts), legacyTokenTracking()];
}

export const controllerNames: readonly string[] = entries.map(({ name }) => name);

/** The controllers that the settings ask for. */
export function chosenControllers(options: ControllerOptions): readonly (Controller | WholeClusterPart)[] {
  const settings = { ...defaultSettings, ...options.settings };
  const { controllers } = settings;
  return entries
    .filter(({ name }) => !controllers.includes(`-${name}`))
    .filter(({ name }) => controllers.includes("*") || controllers.includes(name))
    .flatMap(({ make }) => make(options, settings));
}

/** A part that looks at every kind there is, and so is no controller of one. */
export interface WholeClusterPart {
  /** The service account in kube-system whose rights it acts with. */
  readonly account: string;
  start(environment: ControllerEnvironment): Promise<Disposable>;
}

const garbageCollection: WholeClusterPart = { account: "generic-garbage-collector", start: startGarbageCollection };
