import type { Pod } from "../api/schema/types.ts";
import type { ClusterChange, Plugin } from "./plugin.ts";
import { defaultWeights } from "./plugins/all.ts";
import type { PodInfo } from "./pod-info.ts";

/** Whose pods those are that name no scheduler. */
export const usualScheduler = "default-scheduler";

/** Which scheduler's pod it is. */
export function schedulerNameOf({ spec }: Pod): string {
  return spec.schedulerName ?? usualScheduler;
}

/** How the pods of one schedulerName get their nodes. */
export interface Profile {
  readonly schedulerName: string;
  readonly filters: readonly Plugin[];
  readonly scorers: readonly { readonly plugin: Plugin; readonly weight: number }[];
  readonly reservers: readonly Plugin[];
  /** Whether room is made for pods that fit nowhere. */
  readonly preempts: boolean;
  /** Of all nodes, how many that fit are enough, in per cent; 0 leaves it to the size of the cluster. */
  readonly enoughPercent: number;
  /** On how many nodes at least room is looked for: a share of all, or a number when that is more. */
  readonly candidates: Candidates;
}

export interface Candidates {
  readonly leastPercent: number;
  readonly leastNodes: number;
}

/** kube-scheduler's figures. */
export const usualCandidates: Candidates = { leastPercent: 10, leastNodes: 100 };

/** The profile that has every plugin, with its usual weight. */
export function fullProfile(schedulerName: string, plugins: readonly Plugin[]): Profile {
  return {
    schedulerName,
    filters: plugins.filter(({ filter }) => filter),
    scorers: plugins
      .filter(({ score }) => score)
      .map((plugin) => ({ plugin, weight: defaultWeights[plugin.name] ?? 1 })),
    reservers: plugins.filter(({ reserve }) => reserve),
    preempts: true,
    enoughPercent: 0,
    candidates: usualCandidates,
  };
}

/** Whether a change of the pod itself may help it past the plugins that rejected it. */
export function ownChangeMayHelp(
  { filters }: Profile,
  { before, after, rejectedBy }: { before: PodInfo; after: PodInfo; rejectedBy: ReadonlySet<string> },
): boolean {
  return filters.some((plugin) => rejectedBy.has(plugin.name) && plugin.ownChangeMayHelp?.(before, after));
}

/** Whether the change may help a pod that these plugins rejected. */
export function profileMayHelp(
  { filters }: Profile,
  { pod, rejectedBy, change }: { pod: PodInfo; rejectedBy: ReadonlySet<string>; change: ClusterChange },
): boolean {
  for (const plugin of filters)
    if (rejectedBy.has(plugin.name) && (!plugin.mayHelp || plugin.mayHelp(pod, change))) return true;
  // Whoever else said no (an extender) does not tell what would change its mind.
  return [...rejectedBy].some((name) => !filters.some((plugin) => plugin.name === name));
}
