import { resolve } from "node:path";
import { durationMs } from "../api/duration.ts";
import { controllerNames } from "../controllers/all.ts";
import type { ControllerSettings } from "../controllers/options.ts";
import type { AuditSettings } from "./audit.ts";
import { type ControllerFileNames, controllerFileSettings } from "./controller-files.ts";

/** A setting that cannot be taken: why, in words that continue "--kube-controller-manager-arg NAME=VALUE: …". */
export class ArgRefused extends Error {
  override readonly name = "ArgRefused";
}

/** What a program of Kubernetes is told by one of its own flags. */
interface Arg<T> {
  readonly name: string;
  /** @throws {ArgRefused} for a value that cannot be right */
  read(text: string, known: Surroundings): Partial<T>;
}

/** What is said by flags of skiff's own, and must not be contradicted. */
export interface Surroundings {
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
}

/** Settings that change nothing: those that are known hold as they are. */
export type NoSettings = Record<never, never>;

type DurationSetting = {
  [K in keyof ControllerSettings]: K extends `${string}Ms` ? K : never;
}[keyof ControllerSettings];
type NumberSetting = Exclude<keyof ControllerSettings, "controllers" | DurationSetting>;

/** Clients inside the process hold nothing back, and one process leads without an election. */
const ofEveryProgram: readonly Arg<NoSettings>[] = [
  held("kube-api-qps", isNumber, "a number of requests a second, such as 50"),
  held("kube-api-burst", isCount, "a number of requests, such as 100"),
  held("leader-elect", isSwitch, "true or false"),
  held("profiling", isSwitch, "true or false"),
  held("v", isCount, "a level, such as 2; use --debug for more messages"),
];

/** Settings with an effect in the loops, and files that are read at the start. */
export type ControllerManagerSettings = Partial<ControllerSettings> & Partial<ControllerFileNames>;

const controllerManagerArgs: readonly Arg<ControllerManagerSettings>[] = [
  { name: "controllers", read: (text) => ({ controllers: controllerList(text) }) },
  duration("node-monitor-period", "nodeMonitorPeriodMs"),
  duration("node-monitor-grace-period", "nodeMonitorGraceMs"),
  duration("node-startup-grace-period", "nodeStartupGraceMs"),
  number("node-eviction-rate", "nodeEvictionRate"),
  number("secondary-node-eviction-rate", "secondaryNodeEvictionRate"),
  number("unhealthy-zone-threshold", "unhealthyZoneThreshold"),
  count("large-cluster-size-threshold", "largeClusterSizeThreshold"),
  count("node-cidr-mask-size", "nodeCidrMaskSizeIPv4"),
  count("node-cidr-mask-size-ipv4", "nodeCidrMaskSizeIPv4"),
  count("node-cidr-mask-size-ipv6", "nodeCidrMaskSizeIPv6"),
  duration("cluster-signing-duration", "signingDurationMs"),
  duration("legacy-service-account-token-clean-up-period", "legacyTokenUnusedMs"),
  duration("pvclaimbinder-sync-period", "claimBinderSyncMs"),
  duration("resource-quota-sync-period", "quotaSyncMs"),
  count("terminated-pod-gc-threshold", "terminatedPodThreshold"),
  count("max-endpoints-per-slice", "maxEndpointsPerSlice"),
  count("mirroring-max-endpoints-per-subset", "mirroringMaxEndpointsPerSubset"),
  duration("horizontal-pod-autoscaler-sync-period", "autoscalerSyncMs"),
  duration("horizontal-pod-autoscaler-downscale-stabilization", "autoscalerDownscaleStabilizationMs"),
  duration("horizontal-pod-autoscaler-initial-readiness-delay", "autoscalerInitialReadinessDelayMs"),
  duration("horizontal-pod-autoscaler-cpu-initialization-period", "autoscalerCpuInitializationMs"),
  number("horizontal-pod-autoscaler-tolerance", "autoscalerTolerance"),
  onlyAs("use-service-account-credentials", "true", "every controller has the rights of its own service account only"),
  onlyAs("allocate-node-cidrs", "true", "nodes get their networks from --cluster-cidr"),
  sameAs("cluster-cidr", "cluster-cidr", ({ clusterCidrs }) => clusterCidrs),
  sameAs("service-cluster-ip-range", "service-cidr", ({ serviceCidrs }) => serviceCidrs),
  ...controllerFileSettings.map((name) => ({ name, read: (text: string) => ({ [name]: fileNamed(text) }) })),
  ...ofEveryProgram,
];

export interface SchedulerSettings {
  /** A KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1). */
  readonly configurationFile?: string;
}

const schedulerArgs: readonly Arg<SchedulerSettings>[] = [
  { name: "config", read: (text) => ({ configurationFile: text }) },
  ...ofEveryProgram,
];

/** What one `--kube-scheduler-arg` says. @throws {ArgRefused} as below */
export function schedulerSettingFrom(arg: string, surroundings: Surroundings): Partial<SchedulerSettings> {
  return settingFrom(schedulerArgs, arg, surroundings);
}

/** What one `--kube-controller-manager-arg` says. @throws {ArgRefused} for one that skiff does not know, or a wrong value */
export function controllerSettingFrom(arg: string, surroundings: Surroundings): ControllerManagerSettings {
  return settingFrom(controllerManagerArgs, arg, surroundings);
}

export interface ApiServerSettings extends AuditSettings {
  readonly readsAtOnce: number;
  readonly changesAtOnce: number;
}

const apiServerArgs: readonly Arg<ApiServerSettings>[] = [
  { name: "max-requests-inflight", read: (text) => ({ readsAtOnce: checked(text, isCount, "a number of requests") }) },
  {
    name: "max-mutating-requests-inflight",
    read: (text) => ({ changesAtOnce: checked(text, isCount, "a number of requests") }),
  },
  { name: "audit-log-path", read: (text) => ({ path: fileNamed(text) }) },
  { name: "audit-policy-file", read: (text) => ({ policyFile: fileNamed(text) }) },
  { name: "audit-log-maxage", read: (text) => ({ maxDays: checked(text, isCount, "a number of days") }) },
  { name: "audit-log-maxbackup", read: (text) => ({ maxBackups: checked(text, isCount, "a number of files") }) },
  { name: "audit-log-maxsize", read: (text) => ({ maxMegabytes: checked(text, isCount, "a number of megabytes") }) },
  { name: "audit-log-compress", read: (text) => ({ compress: switchFrom(text) }) },
  onlyAs("audit-log-format", "json", "every line is an event in JSON"),
  ...ofEveryProgram,
];

/** What one `--kube-apiserver-arg` says. @throws {ArgRefused} as above */
export function apiServerSettingFrom(arg: string, surroundings: Surroundings): Partial<ApiServerSettings> {
  return settingFrom(apiServerArgs, arg, surroundings);
}

function settingFrom<T>(known: readonly Arg<T>[], arg: string, surroundings: Surroundings): Partial<T> {
  const at = arg.indexOf("=");
  // As with Kubernetes' own programs, a switch may stand without its value, and leading dashes do no harm.
  const name = (at < 0 ? arg : arg.slice(0, at)).replace(/^--/, "");
  const text = at < 0 ? "true" : arg.slice(at + 1);
  const found = known.find((candidate) => candidate.name === name);
  if (!found) throw new ArgRefused(`skiff has no setting ${JSON.stringify(name)}: it has ${listed(known)}`);
  return found.read(text, surroundings);
}

function listed(known: readonly { readonly name: string }[]): string {
  return known
    .map(({ name }) => name)
    .sort()
    .join(", ");
}

function duration(name: string, setting: DurationSetting): Arg<ControllerSettings> {
  return {
    name,
    read(text) {
      const ms = durationMs(text);
      if (ms === undefined || ms <= 0) throw new ArgRefused("a duration is written as 40s, 1m30s or 500ms");
      return { [setting]: ms };
    },
  };
}

function number(name: string, setting: NumberSetting): Arg<ControllerSettings> {
  return { name, read: (text) => ({ [setting]: checked(text, isNumber, "a number, such as 0.1") }) };
}

function count(name: string, setting: NumberSetting): Arg<ControllerSettings> {
  return { name, read: (text) => ({ [setting]: checked(text, isCount, "a whole number, 0 or more") }) };
}

function fileNamed(text: string): string {
  if (text === "") throw new ArgRefused("expected the path of a file");
  return resolve(text);
}

function switchFrom(text: string): boolean {
  if (text !== "true" && text !== "false") throw new ArgRefused("expected true or false");
  return text === "true";
}

function checked(text: string, fits: (text: string) => boolean, right: string): number {
  if (!fits(text)) throw new ArgRefused(`expected ${right}`);
  return Number(text);
}

/** A setting that skiff takes and that changes nothing. */
function held(name: string, fits: (text: string) => boolean, right: string): Arg<NoSettings> {
  return {
    name,
    read(text) {
      if (!fits(text)) throw new ArgRefused(`expected ${right}`);
      return {};
    },
  };
}

/** A setting that always has this value in skiff. */
function onlyAs(name: string, value: string, because: string): Arg<NoSettings> {
  return {
    name,
    read(text) {
      if (text !== value) throw new ArgRefused(`in skiff this is always ${value}: ${because}`);
      return {};
    },
  };
}

/** A setting that a flag of skiff's decides for every part at once. */
function sameAs(name: string, flag: string, value: (known: Surroundings) => readonly string[]): Arg<NoSettings> {
  return {
    name,
    read(text, known) {
      const own = value(known).join(",");
      if (text !== own) throw new ArgRefused(`the cluster has ${own}: say it with --${flag} instead`);
      return {};
    },
  };
}

function controllerList(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  for (const name of names) {
    const bare = name.replace(/^-/, "");
    if (bare !== "*" && !controllerNames.includes(bare))
      throw new ArgRefused(`skiff has no controller ${JSON.stringify(bare)}; it has ${controllerNames.join(", ")}`);
  }
  return names;
}

function isNumber(text: string): boolean {
  return /^\d+(\.\d+)?$/.test(text);
}
function isCount(text: string): boolean {
  return /^\d+$/.test(text);
}
function isSwitch(text: string): boolean {
  return text === "true" || text === "false";
}
