import type { ConfigurationDocument, ExtenderDocument } from "./configuration.ts";
import type { PluginArguments } from "./plugins/all.ts";

/*
 * What is wrong with the numbers and names of a KubeSchedulerConfiguration, by kube-scheduler's own limits (Kubernetes docs,
 * "kube-scheduler Configuration (v1)"). Each check throws what is wrong, where, and what would be right.
 */

export function checkNumbers(given: ConfigurationDocument): void {
  const { parallelism = 16, podInitialBackoffSeconds: first = 1, podMaxBackoffSeconds: most = 10 } = given;
  if (!(parallelism > 0)) throw wrong("parallelism", parallelism, "it must be greater than zero");
  if (!(first > 0)) throw wrong("podInitialBackoffSeconds", first, "it must be greater than zero");
  if (most < first)
    throw wrong("podMaxBackoffSeconds", most, `it must be at least podInitialBackoffSeconds (${first})`);
  within("percentageOfNodesToScore", given.percentageOfNodesToScore, 0, 100);
  for (const [at, { schedulerName, percentageOfNodesToScore }] of (given.profiles ?? []).entries()) {
    if (schedulerName === "") throw wrong(`profiles[${at}].schedulerName`, "", "it must be a name");
    within(`profiles[${at}].percentageOfNodesToScore`, percentageOfNodesToScore, 0, 100);
  }
}

export function checkExtenders(extenders: readonly ExtenderDocument[]): void {
  const managed = new Set<string>();
  for (const [at, { urlPrefix, prioritizeVerb, weight = 1, managedResources = [] }] of extenders.entries()) {
    const place = `extenders[${at}]`;
    if (!/^https?:\/\//.test(urlPrefix ?? ""))
      throw wrong(`${place}.urlPrefix`, urlPrefix, "it must be an http or https address");
    if (prioritizeVerb && !(weight > 0)) throw wrong(`${place}.weight`, weight, "it must be greater than zero");
    for (const { name } of managedResources) {
      if (!/^[^/]+\/[^/]+$/.test(name) || name.includes("kubernetes.io/"))
        throw wrong(`${place}.managedResources`, name, "it must be an extended resource (example.com/gpu)");
      if (managed.has(name)) throw wrong(`${place}.managedResources`, name, "one extender may manage it, not two");
      managed.add(name);
    }
  }
  if (extenders.filter(({ bindVerb }) => bindVerb).length > 1)
    throw new Error("extenders: one may bind pods, not several");
}

export function checkArguments(plugin: string, args: object, at: string): void {
  const given = { [plugin]: args } as PluginArguments;
  const { DefaultPreemption, InterPodAffinity, NodeResourcesBalancedAllocation, NodeResourcesFit } = given;
  within(`${at}.minCandidateNodesPercentage`, DefaultPreemption?.minCandidateNodesPercentage, 0, 100);
  within(`${at}.minCandidateNodesAbsolute`, DefaultPreemption?.minCandidateNodesAbsolute, 0, Number.POSITIVE_INFINITY);
  within(`${at}.hardPodAffinityWeight`, InterPodAffinity?.hardPodAffinityWeight, 0, 100);
  for (const [index, { weight }] of (NodeResourcesBalancedAllocation?.resources ?? []).entries())
    within(`${at}.resources[${index}].weight`, weight, 1, 1);
  if (NodeResourcesFit) checkFit(NodeResourcesFit, at);
  if (given.PodTopologySpread) checkSpread(given.PodTopologySpread, at);
}

const strategies = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"];

function checkFit(
  { ignoredResourceGroups = [], scoringStrategy }: NonNullable<PluginArguments["NodeResourcesFit"]>,
  at: string,
): void {
  for (const group of ignoredResourceGroups)
    if (group.includes("/")) throw wrong(`${at}.ignoredResourceGroups`, group, "it must not contain a slash");
  if (!scoringStrategy) return;
  const { type = "LeastAllocated", resources = [], requestedToCapacityRatio } = scoringStrategy;
  const place = `${at}.scoringStrategy`;
  if (!strategies.includes(type)) throw wrong(`${place}.type`, type, `choose among ${strategies.join(", ")}`);
  for (const [index, { weight }] of resources.entries()) within(`${place}.resources[${index}].weight`, weight, 1, 100);
  if (type !== "RequestedToCapacityRatio") return;
  const shape = requestedToCapacityRatio?.shape ?? [];
  if (shape.length === 0) throw wrong(`${place}.requestedToCapacityRatio.shape`, "[]", "at least one point is needed");
  for (const [index, { utilization, score }] of shape.entries()) {
    const point = `${place}.requestedToCapacityRatio.shape[${index}]`;
    within(`${point}.utilization`, utilization, 0, 100);
    within(`${point}.score`, score, 0, 10);
    const before = shape[index - 1];
    if (before && utilization <= before.utilization)
      throw wrong(`${point}.utilization`, utilization, "the points must be in order of their utilization");
  }
}

function checkSpread(
  { defaultingType = "System", defaultConstraints = [] }: NonNullable<PluginArguments["PodTopologySpread"]>,
  at: string,
): void {
  if (!["System", "List"].includes(defaultingType))
    throw wrong(`${at}.defaultingType`, defaultingType, "choose among System, List");
  if (defaultingType === "System" && defaultConstraints.length > 0)
    throw new Error(`${at}.defaultConstraints: they are used with defaultingType List only`);
  for (const [index, { maxSkew, topologyKey, whenUnsatisfiable, labelSelector }] of defaultConstraints.entries()) {
    const place = `${at}.defaultConstraints[${index}]`;
    within(`${place}.maxSkew`, maxSkew, 1, Number.POSITIVE_INFINITY);
    if (!topologyKey) throw wrong(`${place}.topologyKey`, topologyKey, "it must be the key of a label");
    if (!["DoNotSchedule", "ScheduleAnyway"].includes(whenUnsatisfiable))
      throw wrong(`${place}.whenUnsatisfiable`, whenUnsatisfiable, "choose among DoNotSchedule, ScheduleAnyway");
    if (labelSelector)
      throw new Error(`${place}.labelSelector: it must not be set, it comes from the Services and owner of each pod`);
  }
}

function within(field: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (value >= least && value <= most)) return;
  const range = Number.isFinite(most) ? `it must be from ${least} to ${most}` : `it must be at least ${least}`;
  throw wrong(field, value, range);
}

function wrong(field: string, value: unknown, right: string): Error {
  return new Error(`${field}: ${JSON.stringify(value)}: ${right}`);
}
