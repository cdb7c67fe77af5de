import { groupSelector } from "../group-selector.ts";
import type { ObjectLookup } from "../objects.ts";
import type { Plugin } from "../plugin.ts";
import { dynamicResources } from "./dynamic-resources.ts";
import { imageLocality } from "./image-locality.ts";
import { type InterPodAffinityArguments, interPodAffinity } from "./inter-pod-affinity.ts";
import { type NodeAffinityArguments, nodeAffinity } from "./node-affinity.ts";
import { nodeDeclaredFeatures } from "./node-declared-features.ts";
import { nodeName } from "./node-name.ts";
import { nodePorts } from "./node-ports.ts";
import { type BalancedArguments, nodeResourcesBalanced } from "./node-resources-balanced.ts";
import { type FitArguments, nodeResourcesFit } from "./node-resources-fit.ts";
import { nodeUnschedulable } from "./node-unschedulable.ts";
import { nodeVolumeLimits } from "./node-volume-limits.ts";
import { podTopologySpread, type SpreadArguments } from "./pod-topology-spread.ts";
import { taintToleration } from "./taint-toleration.ts";
import { type BindVolumes, volumeBinding } from "./volume-binding.ts";
import { volumeRestrictions } from "./volume-restrictions.ts";
import { volumeZone } from "./volume-zone.ts";

/** On how many nodes at least room is looked for. */
export interface PreemptionArguments {
  readonly minCandidateNodesPercentage?: number;
  readonly minCandidateNodesAbsolute?: number;
}

/** What a configuration may say to the plugins, by their names. */
export interface PluginArguments {
  readonly DefaultPreemption?: PreemptionArguments;
  readonly InterPodAffinity?: InterPodAffinityArguments;
  readonly NodeAffinity?: NodeAffinityArguments;
  readonly NodeResourcesBalancedAllocation?: BalancedArguments;
  readonly NodeResourcesFit?: FitArguments;
  readonly PodTopologySpread?: SpreadArguments;
}

export interface PluginSurroundings {
  readonly objects: ObjectLookup;
  readonly bindVolumes: BindVolumes;
  readonly settings: PluginArguments;
}

/** How much the score of a plugin counts; 1 unless said. */
export const defaultWeights: Readonly<Record<string, number>> = {
  TaintToleration: 3,
  NodeAffinity: 2,
  PodTopologySpread: 2,
  InterPodAffinity: 2,
};

/** Every plugin. The order matters: a node is counted for the first filter that rejects it. */
export function allPlugins({ objects, bindVolumes, settings }: PluginSurroundings): readonly Plugin[] {
  return [
    nodeUnschedulable(),
    nodeName(),
    nodeDeclaredFeatures(),
    taintToleration(),
    nodeAffinity(settings.NodeAffinity),
    nodePorts(),
    nodeResourcesFit(settings.NodeResourcesFit),
    volumeRestrictions(objects),
    nodeVolumeLimits(objects),
    volumeBinding(objects, bindVolumes),
    volumeZone(objects),
    podTopologySpread((pod) => groupSelector(pod, objects), settings.PodTopologySpread),
    interPodAffinity(settings.InterPodAffinity),
    dynamicResources(),
    nodeResourcesBalanced(settings.NodeResourcesBalancedAllocation),
    imageLocality(),
  ];
}
