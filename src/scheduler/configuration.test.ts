import { describe, expect, test } from "vitest";
import { configurationFrom } from "./configuration.ts";
import { findNode } from "./cycle.ts";
import { nothingToLookUp } from "./objects.ts";
import { aCluster, aNode, aPodInfo, type PodSeed } from "./testing/objects.ts";

const surroundings = { objects: nothingToLookUp, bindVolumes: async () => undefined };
const profilesOf = (document: object) => configurationFrom(document).profiles.map((make) => make(surroundings));
const anExtender = { urlPrefix: "http://127.0.0.1:1", bindVerb: "bind" };
const withArguments = (name: string, args: object) => ({ profiles: [{ pluginConfig: [{ name, args }] }] });
const plugins = (set: object) => ({ profiles: [{ plugins: set }] });

describe("a scheduler configuration", () => {
  test.each([
    ["nothing", {}],
    ["null", { extenders: null, profiles: null }],
    ["null within a profile", { profiles: [{ schedulerName: null, plugins: { score: null }, pluginConfig: null }] }],
  ])("is the usual one where it says %s", (_, document) => {
    const [profile] = profilesOf(document);
    expect(profile).toMatchObject({ schedulerName: "default-scheduler", preempts: true, enoughPercent: 0 });
    expect(profile?.scorers.map(({ plugin, weight }) => `${plugin.name} ${weight}`)).toEqual([
      "TaintToleration 3",
      "NodeAffinity 2",
      "NodeResourcesFit 1",
      "PodTopologySpread 2",
      "InterPodAffinity 2",
      "NodeResourcesBalancedAllocation 1",
      "ImageLocality 1",
    ]);
  });

  test("has several profiles, each with a name of its own", () => {
    const named = profilesOf({
      profiles: [{ schedulerName: "a" }, { schedulerName: "b", percentageOfNodesToScore: 30 }],
    });
    expect(named.map(({ schedulerName, enoughPercent }) => [schedulerName, enoughPercent])).toEqual([
      ["a", 0],
      ["b", 30],
    ]);
  });

  test.each<[name: string, set: object, scorers: string[]]>([
    [
      "switches one off",
      { score: { disabled: [{ name: "NodeResourcesFit" }] } },
      [
        "TaintToleration",
        "NodeAffinity",
        "PodTopologySpread",
        "InterPodAffinity",
        "NodeResourcesBalancedAllocation",
        "ImageLocality",
      ],
    ],
    [
      "switches all off and one on",
      { score: { disabled: [{ name: "*" }], enabled: [{ name: "ImageLocality", weight: 7 }] } },
      ["ImageLocality"],
    ],
  ])("%s", (_, set, scorers) => {
    expect(profilesOf(plugins(set))[0]?.scorers.map(({ plugin }) => plugin.name)).toEqual(scorers);
  });

  test("makes pods share full nodes where it says so", () => {
    const scoringStrategy = { type: "MostAllocated" };
    const [profile] = profilesOf({
      profiles: [{ pluginConfig: [{ name: "NodeResourcesFit", args: { scoringStrategy } }] }],
    });
    const cluster = aCluster(
      [aNode({ name: "n1" }), aNode({ name: "n2" })],
      [{ on: "n2", pod: { name: "a", cpu: "2", memory: "4Gi" } }],
    );
    const pod: PodSeed = { cpu: "1", memory: "2Gi" };
    if (!profile) throw new Error("there is no profile");
    expect(findNode(aPodInfo(pod), cluster, { profile, startAt: 0, random: () => 0 })).toMatchObject({ node: "n2" });
  });

  test.each<[what: string, document: object, message: string]>([
    ["another version", { apiVersion: "kubescheduler.config.k8s.io/v1beta3" }, "is not known"],
    [
      "a plugin that there is not",
      plugins({ filter: { enabled: [{ name: "Mine" }] } }),
      "profiles[0].plugins.filter: there is no plugin Mine",
    ],
    [
      "a point that there is not",
      plugins({ filters: {} }),
      "profiles[0].plugins.filters: there is no such extension point",
    ],
    ["the same name twice", { profiles: [{}, {}] }, "profiles[1].schedulerName: default-scheduler is there twice"],
    [
      "an extender without an address",
      { extenders: [{}] },
      "extenders[0].urlPrefix: undefined: it must be an http or https address",
    ],
    ["two that bind", { extenders: [anExtender, anExtender] }, "extenders: one may bind pods, not several"],
    [
      "an extender that manages cpu",
      { extenders: [{ ...anExtender, managedResources: [{ name: "cpu" }] }] },
      'extenders[0].managedResources: "cpu": it must be an extended resource (example.com/gpu)',
    ],
    ["a field that there is not", { profile: [] }, "profile: there is no such field; choose among"],
    ["one of a profile's", { profiles: [{ name: "a" }] }, "profiles[0].name: there is no such field"],
    ["one of an extender's", { extenders: [{ ...anExtender, tls: {} }] }, "extenders[0].tls: there is no such field"],
    [
      "one of the plugins of a point",
      plugins({ score: { enable: [] } }),
      "profiles[0].plugins.score.enable: there is no such field; choose among enabled, disabled",
    ],
    [
      "one of arguments",
      withArguments("NodeResourcesFit", { scoringStrategy: { typ: "MostAllocated" } }),
      "profiles[0].pluginConfig[0].args.scoringStrategy.typ: there is no such field",
    ],
    [
      "arguments for a plugin that has none",
      withArguments("NodeName", { nodes: [] }),
      "profiles[0].pluginConfig[0].args.nodes: there is no such field; choose among apiVersion, kind",
    ],
    ["one profile where a list is wanted", { profiles: {} }, "profiles: {}: it must be a list"],
    ["nothing where a profile is wanted", { profiles: [null] }, "profiles[0]: null: it must be an object"],
    ["no parallelism", { parallelism: 0 }, "parallelism: 0: it must be greater than zero"],
    [
      "a back-off that shrinks",
      { podInitialBackoffSeconds: 5, podMaxBackoffSeconds: 2 },
      "podMaxBackoffSeconds: 2: it must be at least podInitialBackoffSeconds (5)",
    ],
    [
      "more than all nodes",
      { percentageOfNodesToScore: 101 },
      "percentageOfNodesToScore: 101: it must be from 0 to 100",
    ],
    [
      "a strategy that there is not",
      withArguments("NodeResourcesFit", { scoringStrategy: { type: "Random" } }),
      'pluginConfig[0].args.scoringStrategy.type: "Random": choose among LeastAllocated, MostAllocated',
    ],
    [
      "a shape that goes back",
      withArguments("NodeResourcesFit", {
        scoringStrategy: {
          type: "RequestedToCapacityRatio",
          requestedToCapacityRatio: {
            shape: [
              { utilization: 50, score: 0 },
              { utilization: 50, score: 10 },
            ],
          },
        },
      }),
      "shape[1].utilization: 50: the points must be in order of their utilization",
    ],
    [
      "constraints beside the system's own",
      withArguments("PodTopologySpread", { defaultConstraints: [{}] }),
      "args.defaultConstraints: they are used with defaultingType List only",
    ],
    [
      "arguments that come twice",
      { profiles: [{ pluginConfig: [{ name: "NodeAffinity" }, { name: "NodeAffinity" }] }] },
      "profiles[0].pluginConfig[1]: NodeAffinity is there twice",
    ],
  ])("refuses %s", (_, document, message) => {
    expect(() => configurationFrom(document)).toThrow(message);
  });
});
