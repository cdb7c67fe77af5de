/** What a value may be: anything, a list of such, or an object of these fields. */
type Shape = "any" | readonly [Shape] | { readonly [field: string]: Shape };

const fields = <const T extends string>(names: T): { readonly [field: string]: "any" } =>
  Object.fromEntries(names.split(" ").map((name) => [name, "any"]));

const resources: Shape = [fields("name weight")];
const shape: Shape = [fields("utilization score")];

/** KubeSchedulerConfiguration (Kubernetes docs, "kube-scheduler Configuration (v1)"), but for its plugins and their arguments. */
const document: Shape = {
  ...fields("apiVersion kind parallelism leaderElection clientConnection enableProfiling enableContentionProfiling"),
  ...fields("percentageOfNodesToScore podInitialBackoffSeconds podMaxBackoffSeconds delayCacheUntilActive"),
  profiles: [
    {
      ...fields("schedulerName percentageOfNodesToScore plugins"),
      pluginConfig: [fields("name args")],
    },
  ],
  extenders: [
    {
      ...fields("urlPrefix filterVerb preemptVerb prioritizeVerb weight bindVerb enableHTTPS httpTimeout"),
      ...fields("nodeCacheCapable ignorable"),
      tlsConfig: fields("insecure serverName certFile keyFile caFile certData keyData caData"),
      managedResources: [fields("name ignoredByScheduler")],
    },
  ],
};

/** The plugins of one extension point. */
const pluginSet: Shape = { enabled: [fields("name weight")], disabled: [fields("name weight")] };

/** By plugin. One that is not here has no arguments. */
const argumentsOf: Readonly<Record<string, Shape>> = {
  DefaultPreemption: fields("minCandidateNodesPercentage minCandidateNodesAbsolute"),
  DynamicResources: fields("filterTimeout bindingTimeout"),
  InterPodAffinity: fields("hardPodAffinityWeight ignorePreferredTermsOfExistingPods"),
  NodeAffinity: fields("addedAffinity"),
  NodeResourcesBalancedAllocation: { resources },
  NodeResourcesFit: {
    ...fields("ignoredResources ignoredResourceGroups"),
    scoringStrategy: { type: "any", resources, requestedToCapacityRatio: { shape } },
  },
  PodTopologySpread: fields("defaultConstraints defaultingType"),
  VolumeBinding: { bindTimeoutSeconds: "any", shape },
};

/*
 * A field that nobody knows is misspelt, and what it was to say would not hold: it is refused, as kube-scheduler does. Each of
 * these throws an Error that says which field of what it is.
 */

export const refuseUnknownFields = (given: object): void => refuse(given, document, "");
export const refuseUnknownInPluginSet = (given: object, at: string): void => refuse(given, pluginSet, at);
export const refuseUnknownArguments = (plugin: string, given: object, at: string): void =>
  refuse(given, { ...fields("apiVersion kind"), ...(argumentsOf[plugin] as object) }, at);

function refuse(given: unknown, expected: Shape, at: string): void {
  if (expected === "any" || given === undefined) return;
  const isList = Array.isArray(expected);
  if (typeof given !== "object" || given === null || Array.isArray(given) !== isList)
    throw new Error(`${at}: ${JSON.stringify(given)}: it must be ${isList ? "a list" : "an object"}`);
  for (const [key, value] of Object.entries(given)) {
    const place = isList ? `${at}[${key}]` : at ? `${at}.${key}` : key;
    const inner = isList
      ? expected[0]
      : Object.hasOwn(expected, key)
        ? (expected as Record<string, Shape>)[key]
        : undefined;
    if (inner === undefined)
      throw new Error(`${place}: there is no such field; choose among ${Object.keys(expected).join(", ")}`);
    refuse(value, inner, place);
  }
}
