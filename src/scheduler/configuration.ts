import { durationMs } from "../api/duration.ts";
import { withoutNulls } from "../api/without-nulls.ts";
import { checkArguments, checkExtenders, checkNumbers } from "./check-configuration.ts";
import { refuseUnknownArguments, refuseUnknownFields, refuseUnknownInPluginSet } from "./configuration-fields.ts";
import { type Extender, type ExtenderSettings, openExtender } from "./extenders.ts";
import { nothingToLookUp } from "./objects.ts";
import type { Plugin } from "./plugin.ts";
import { allPlugins, defaultWeights, type PluginArguments, type PluginSurroundings } from "./plugins/all.ts";
import { type Profile, usualCandidates, usualScheduler } from "./profile.ts";
import { usualWaits } from "./queue.ts";

/** How the scheduler works (KubeSchedulerConfiguration, kubescheduler.config.k8s.io/v1). */
export interface Configuration {
  readonly profiles: readonly ((surroundings: Omit<PluginSurroundings, "settings">) => Profile)[];
  readonly extenders: readonly Extender[];
  /** The back-off between tries of one pod. */
  readonly waits: { readonly firstMs: number; readonly maxMs: number };
}

interface PluginSet {
  readonly enabled?: readonly { readonly name: string; readonly weight?: number }[];
  readonly disabled?: readonly { readonly name: string }[];
}

interface ProfileDocument {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: Readonly<Record<string, PluginSet>>;
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: object }[];
}

export interface ConfigurationDocument {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly parallelism?: number;
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly profiles?: readonly ProfileDocument[];
  readonly extenders?: readonly ExtenderDocument[];
}

export interface ExtenderDocument extends Omit<ExtenderSettings, "managedResources" | "httpTimeoutMs" | "tls"> {
  readonly httpTimeout?: string;
  readonly enableHTTPS?: boolean;
  readonly tlsConfig?: NonNullable<ExtenderSettings["tls"]>;
  readonly managedResources?: readonly { readonly name: string; readonly ignoredByScheduler?: boolean }[];
}

/** Plugins that stand for a step of the round itself and cannot be asked for anything else. */
const steps = ["SchedulingGates", "PrioritySort", "DefaultPreemption", "DefaultBinder"];
/** Where plugins may be switched on and off; what skiff has no use for is accepted. */
const points = "preEnqueue queueSort preFilter filter postFilter preScore score reserve permit preBind bind postBind";

export const defaultConfiguration: Configuration = configurationFrom({});

/** @throws Error that says what is wrong with the document, and where. */
export function configurationFrom(document: unknown): Configuration {
  if (typeof document !== "object" || document === null) throw new Error("it must be an object");
  const given = withoutNulls(document) as ConfigurationDocument;
  const { apiVersion = "kubescheduler.config.k8s.io/v1", kind = "KubeSchedulerConfiguration" } = given;
  if (apiVersion !== "kubescheduler.config.k8s.io/v1" || kind !== "KubeSchedulerConfiguration")
    throw new Error(
      `${apiVersion} ${kind} is not known: it must be kubescheduler.config.k8s.io/v1 KubeSchedulerConfiguration`,
    );
  refuseUnknownFields(given);
  checkNumbers(given);
  const extenders = given.extenders ?? [];
  checkExtenders(extenders);
  const ignored = extenders.flatMap(({ managedResources = [] }) =>
    managedResources.flatMap(({ name, ignoredByScheduler }) => (ignoredByScheduler ? [name] : [])),
  );
  const names = new Set<string>();
  const profiles = (given.profiles?.length ? given.profiles : [{}]).map((profile, at) => {
    const { schedulerName = usualScheduler } = profile;
    if (names.has(schedulerName)) throw new Error(`profiles[${at}].schedulerName: ${schedulerName} is there twice`);
    names.add(schedulerName);
    check(profile, `profiles[${at}]`);
    return (surroundings: Omit<PluginSurroundings, "settings">) =>
      profileFrom({ percentageOfNodesToScore: given.percentageOfNodesToScore ?? 0, ...profile }, surroundings, ignored);
  });
  const { podInitialBackoffSeconds, podMaxBackoffSeconds } = given;
  return {
    profiles,
    extenders: extenders.map((extender) => openExtender(extenderSettings(extender))),
    waits: {
      firstMs: (podInitialBackoffSeconds ?? usualWaits.firstMs / 1000) * 1000,
      maxMs: (podMaxBackoffSeconds ?? usualWaits.maxMs / 1000) * 1000,
    },
  };
}

const known = new Set([
  ...allPlugins({ objects: nothingToLookUp, bindVolumes: async () => undefined, settings: {} }).map(({ name }) => name),
  ...steps,
  ...["EBSLimits", "GCEPDLimits", "AzureDiskLimits", "CinderLimits"],
]);

function check({ plugins = {}, pluginConfig = [] }: ProfileDocument, at: string): void {
  for (const [point, set] of Object.entries(plugins)) {
    if (point !== "multiPoint" && !points.split(" ").includes(point))
      throw new Error(`${at}.plugins.${point}: there is no such extension point`);
    refuseUnknownInPluginSet(set, `${at}.plugins.${point}`);
    const { enabled, disabled } = set;
    for (const { name } of [...(enabled ?? []), ...(disabled ?? [])])
      if (name !== "*" && !known.has(name)) throw new Error(`${at}.plugins.${point}: there is no plugin ${name}`);
  }
  const configured = new Set<string>();
  for (const [index, { name, args = {} }] of pluginConfig.entries()) {
    const place = `${at}.pluginConfig[${index}]`;
    if (!known.has(name)) throw new Error(`${place}: there is no plugin ${name}`);
    if (configured.has(name)) throw new Error(`${place}: ${name} is there twice`);
    configured.add(name);
    refuseUnknownArguments(name, args, `${place}.args`);
    checkArguments(name, args, `${place}.args`);
  }
}

function profileFrom(
  { schedulerName = usualScheduler, plugins = {}, pluginConfig = [], percentageOfNodesToScore = 0 }: ProfileDocument,
  surroundings: Omit<PluginSurroundings, "settings">,
  ignoredResources: readonly string[],
): Profile {
  const settings: PluginArguments = Object.fromEntries(pluginConfig.map(({ name, args }) => [name, args ?? {}]));
  const preemption = settings.DefaultPreemption ?? {};
  const fit = settings.NodeResourcesFit ?? {};
  const ignoring = { ...fit, ignoredResources: [...(fit.ignoredResources ?? []), ...ignoredResources] };
  const all = allPlugins({ ...surroundings, settings: { ...settings, NodeResourcesFit: ignoring } });
  const at = (point: string) => switchedOn(all, plugins.multiPoint ?? {}, plugins[point] ?? {});
  const isOn = (name: string, point: string): boolean =>
    ![plugins.multiPoint, plugins[point]].some((set) =>
      set?.disabled?.some((plugin) => plugin.name === name || plugin.name === "*"),
    ) || [plugins.multiPoint, plugins[point]].some((set) => set?.enabled?.some((plugin) => plugin.name === name));
  return {
    schedulerName,
    filters: at("filter").flatMap(({ plugin }) => (plugin.filter ? [plugin] : [])),
    scorers: at("score").filter(({ plugin }) => plugin.score),
    reservers: at("reserve").flatMap(({ plugin }) => (plugin.reserve ? [plugin] : [])),
    preempts: isOn("DefaultPreemption", "postFilter"),
    enoughPercent: percentageOfNodesToScore,
    candidates: {
      leastPercent: preemption.minCandidateNodesPercentage ?? usualCandidates.leastPercent,
      leastNodes: preemption.minCandidateNodesAbsolute ?? usualCandidates.leastNodes,
    },
  };
}

/** The plugins of one extension point: the usual ones and those asked for, without those that were switched off. */
function switchedOn(all: readonly Plugin[], multiPoint: PluginSet, own: PluginSet) {
  const off = (set: PluginSet, name: string): boolean =>
    set.disabled?.some((plugin) => plugin.name === name || plugin.name === "*") ?? false;
  const asked = (set: PluginSet, name: string) => set.enabled?.find((plugin) => plugin.name === name);
  const chosen = all.flatMap((plugin) => {
    const here = asked(own, plugin.name);
    const everywhere = off(own, plugin.name) ? undefined : asked(multiPoint, plugin.name);
    const usual = !off(own, plugin.name) && !off(multiPoint, plugin.name);
    if (!here && !everywhere && !usual) return [];
    const weight = here?.weight || everywhere?.weight || defaultWeights[plugin.name] || 1;
    return [{ plugin, weight }];
  });
  return chosen;
}

function extenderSettings({
  managedResources,
  httpTimeout,
  enableHTTPS,
  tlsConfig,
  ...rest
}: ExtenderDocument): ExtenderSettings {
  const tls = enableHTTPS && !tlsConfig ? { insecure: true } : tlsConfig;
  return {
    ...rest,
    httpTimeoutMs: httpTimeout ? (durationMs(httpTimeout) ?? 30_000) : 30_000,
    ...(tls && { tls }),
    ...(managedResources && { managedResources: managedResources.map(({ name }) => name) }),
  };
}
