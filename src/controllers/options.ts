import type { CertificateSigner } from "../api/certificate-signer.ts";
import type { Changing } from "../base/changing.ts";
import type { MakeAccountToken } from "./serviceaccount-token/controller.ts";

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** What controllers must know that the API does not tell them. */
export interface ControllerOptions {
  /** The networks that pods get their addresses from, one for each IP family ("10.42.0.0/16"). */
  readonly clusterCidrs: readonly string[];
  /** The certificate (PEM) by which pods know the API server. */
  readonly rootCa: Changing<string>;
  /** Makes the tokens of Secrets that ask for one; without it such Secrets stay empty. */
  readonly makeAccountToken?: MakeAccountToken;
  /** Signs what certificate signing requests ask for; without it they wait for somebody else. */
  readonly certificates?: CertificateSigner;
  /** Whether the built-in cloud provider says what nodes are, rather than somebody outside; true unless said. */
  readonly cloudNodes?: boolean;
  /** Whether Services of type LoadBalancer get the addresses of the nodes; true unless said. */
  readonly serviceLoadBalancer?: boolean;
  /** Whether nodes make volumes of their own directories; true unless said. */
  readonly localStorage?: boolean;
  /** What differs from `defaultSettings`. */
  readonly settings?: Partial<ControllerSettings>;
}

/** The settings of kube-controller-manager that have an effect here (Kubernetes docs, "kube-controller-manager"). */
export interface ControllerSettings {
  /** Which controllers run: "*" for all, "NAME" for one, "-NAME" for all but this one. */
  readonly controllers: readonly string[];
  /** How often nodes are looked at. */
  readonly nodeMonitorPeriodMs: number;
  /** How long a node may be silent before it counts as lost. */
  readonly nodeMonitorGraceMs: number;
  /** The same for a node that never reported. */
  readonly nodeStartupGraceMs: number;
  /** Nodes a second whose pods are evicted in a zone that is well, and in one that is partly down. */
  readonly nodeEvictionRate: number;
  readonly secondaryNodeEvictionRate: number;
  /** From which share of nodes that are not ready a zone counts as partly down. */
  readonly unhealthyZoneThreshold: number;
  /** Up to how many nodes a cluster counts as small: nothing is evicted in a zone that is partly down. */
  readonly largeClusterSizeThreshold: number;
  readonly nodeCidrMaskSizeIPv4: number;
  readonly nodeCidrMaskSizeIPv6: number;
  /** How long certificates hold at the most that requests get. */
  readonly signingDurationMs: number;
  /** How long the token of an account may lie in a Secret unused before it goes. */
  readonly legacyTokenUnusedMs: number;
  /** How often a claim that found no volume looks again. */
  readonly claimBinderSyncMs: number;
  /** How often all that a quota counts is counted again. */
  readonly quotaSyncMs: number;
  /** How many pods that have ended may lie about before the oldest are deleted; 0: any number. */
  readonly terminatedPodThreshold: number;
  readonly maxEndpointsPerSlice: number;
  readonly mirroringMaxEndpointsPerSubset: number;
  readonly autoscalerSyncMs: number;
  readonly autoscalerDownscaleStabilizationMs: number;
  readonly autoscalerInitialReadinessDelayMs: number;
  readonly autoscalerCpuInitializationMs: number;
  readonly autoscalerTolerance: number;
}

export const defaultSettings: ControllerSettings = {
  controllers: ["*"],
  nodeMonitorPeriodMs: 5000,
  nodeMonitorGraceMs: 50_000,
  nodeStartupGraceMs: 60_000,
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  unhealthyZoneThreshold: 0.55,
  largeClusterSizeThreshold: 50,
  nodeCidrMaskSizeIPv4: 24,
  nodeCidrMaskSizeIPv6: 64,
  signingDurationMs: 365 * 24 * 60 * 60 * 1000,
  legacyTokenUnusedMs: 365 * 24 * 60 * 60 * 1000,
  claimBinderSyncMs: 15_000,
  quotaSyncMs: 300_000,
  terminatedPodThreshold: 12_500,
  maxEndpointsPerSlice: 100,
  mirroringMaxEndpointsPerSubset: 1000,
  autoscalerSyncMs: 15_000,
  autoscalerDownscaleStabilizationMs: 300_000,
  autoscalerInitialReadinessDelayMs: 30_000,
  autoscalerCpuInitializationMs: 300_000,
  autoscalerTolerance: 0.1,
};
