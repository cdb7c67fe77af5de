import { isAbsolute, resolve } from "node:path";
import { apiServerSettingFrom, controllerSettingFrom, schedulerSettingFrom } from "../app/component-args.ts";
import type { ServerConfig } from "../app/config.ts";
import { defaultDataDirectory, defaultKubeconfig } from "../app/paths.ts";
import { isSchedule, usualSnapshotDirectory } from "../app/snapshots.ts";
import { parseToken } from "../app/tokens.ts";
import { type Cidr, cidrAddress, cidrContains, cidrText, parseIp } from "../base/ip.ts";
import { type Given, UsageError } from "./command.ts";
import { agentConfigFrom, nodeFlags, textOrFile } from "./node-flags.ts";
import { refuseOverlap, Values } from "./values.ts";

/**
 * Checks what the user gave and turns it into a configuration.
 * @throws {UsageError} for a value that cannot be right, and for values that contradict each other
 */
export function serverConfigFrom(given: Given, machineName: string): ServerConfig {
  const values = new Values(given);
  const clusterCidrs = values.cidrs("cluster-cidr", "10.42.0.0/16");
  const serviceCidrs = values.cidrs("service-cidr", "10.43.0.0/16");
  refuseOverlap({ name: "cluster-cidr", cidrs: clusterCidrs }, { name: "service-cidr", cidrs: serviceCidrs });
  const clusterDns =
    values.ips("cluster-dns").length > 0
      ? values.ips("cluster-dns")
      : serviceCidrs.map((cidr) => cidrAddress(cidr, 10));
  for (const address of clusterDns) {
    const ip = parseIp(address);
    if (!ip || !serviceCidrs.some((cidr) => cidrContains(cidr, ip)))
      throw values.wrong("cluster-dns", address, "it must lie inside --service-cidr");
  }
  const without = {
    agent: values.isOn("disable-agent"),
    scheduler: values.isOn("disable-scheduler"),
    controllers: values.isOn("disable-controller-manager"),
    cloudController: values.isOn("disable-cloud-controller"),
    serviceLoadBalancer: disabledParts(values).includes("servicelb"),
  };
  if (without.agent) refuseAgentFlags(given);
  const dataDirectory = resolve(values.text("data-dir") ?? defaultDataDirectory());

  return {
    dataDirectory,
    listen: { address: values.ip("bind-address") ?? "0.0.0.0", port: values.port("https-listen-port", 6443) },
    advertiseAddress: values.ip("advertise-address"),
    tlsSans: values.list("tls-san"),
    leafLifetimeMs: lifetimeFrom(values) * 1000,
    kubeconfig: {
      file: resolve(values.text("write-kubeconfig") ?? defaultKubeconfig()),
      mode: values.mode("write-kubeconfig-mode", 0o600),
    },
    token: secretFrom(values, "token"),
    agentToken: secretFrom(values, "agent-token"),
    clusterCidrs,
    serviceCidrs,
    nodePorts: values.portRange("service-node-port-range", "30000-32767"),
    clusterDns,
    clusterDomain: values.text("cluster-domain") ?? "cluster.local",
    staticTokensFile: values.text("token-auth-file"),
    without,
    ...componentSettings(values, clusterCidrs, serviceCidrs),
    snapshots: snapshotsFrom(values, dataDirectory),
    localStorage: localStorageFrom(values),
    networkBackend: backendFrom(values),
    agent: agentConfigFrom(values, { machineName, dataDirectory }),
  };
}

/** k3s calls the kernel's WireGuard "wireguard-native". */
function backendFrom(values: Values): ServerConfig["networkBackend"] {
  const name = values.oneOf("flannel-backend", ["vxlan", "host-gw", "wireguard", "none", "wireguard-native"]);
  return name === "wireguard-native" ? "wireguard" : name;
}

/** In seconds. At least what it takes to notice that one ends, and to make the next. */
function lifetimeFrom(values: Values): number {
  const seconds = values.seconds("certificate-lifetime", 8760 * 3600);
  if (seconds < 20 || seconds > 10 * 8760 * 3600)
    throw values.wrong("certificate-lifetime", `${seconds}s`, "from 20s to the ten years of the authorities");
  return seconds;
}

/** Settings in the words of Kubernetes' own programs. */
function componentSettings(
  values: Values,
  clusterCidrs: readonly Cidr[],
  serviceCidrs: readonly Cidr[],
): Pick<ServerConfig, "apiServerSettings" | "controllerSettings" | "schedulerSettings"> {
  const surroundings = { clusterCidrs: clusterCidrs.map(cidrText), serviceCidrs: serviceCidrs.map(cidrText) };
  const apiServer = values.each("kube-apiserver-arg", (arg) => apiServerSettingFrom(arg, surroundings));
  const controllers = values.each("kube-controller-manager-arg", (arg) => controllerSettingFrom(arg, surroundings));
  const scheduler = values.each("kube-scheduler-arg", (arg) => schedulerSettingFrom(arg, surroundings));
  return {
    apiServerSettings: Object.assign({}, ...apiServer),
    controllerSettings: Object.assign({}, ...controllers),
    schedulerSettings: Object.assign({}, ...scheduler),
  };
}

/** Flags of the node make no sense where there is none: said rather than ignored. */
function refuseAgentFlags(given: Given): void {
  // The name is that of the server's certificate and of its copies too.
  for (const { name } of nodeFlags.filter((flag) => flag.name !== "node-name")) {
    const source = given.values.get(name)?.source;
    if (source)
      throw new UsageError(
        `${source} and --disable-agent contradict each other: without an agent this machine is no node; leave one of them out`,
      );
  }
}

/** The secret of a token: alone, in a file, or as part of a token of the secure form. */
function secretFrom(values: Values, name: "token" | "agent-token"): string | undefined {
  const text = textOrFile(values, name);
  if (text === undefined) return undefined;
  try {
    return parseToken(text).secret;
  } catch (error) {
    // The secret itself is not shown: what is printed ends up in logs.
    throw new UsageError(`--${name}: ${(error as Error).message}`);
  }
}

/** Parts that can be left out by name. */
const disableable = ["local-storage", "servicelb"];

function disabledParts(values: Values): readonly string[] {
  const disabled = values.list("disable");
  for (const name of disabled)
    if (!disableable.includes(name))
      throw values.wrong("disable", name, `what can be left out is: ${disableable.join(", ")}`);
  return disabled;
}

function localStorageFrom(values: Values): ServerConfig["localStorage"] {
  const path = values.text("default-local-storage-path");
  if (path !== undefined && (!isAbsolute(path) || resolve(path) === "/"))
    throw values.wrong(
      "default-local-storage-path",
      path,
      "it is the absolute path of a directory, the same on every node",
    );
  return {
    offered: !disabledParts(values).includes("local-storage"),
    ...(path !== undefined && { path: resolve(path) }),
  };
}

function snapshotsFrom(values: Values, dataDirectory: string): ServerConfig["snapshots"] {
  const cron = values.text("snapshot-schedule-cron") ?? "0 */12 * * *";
  if (!isSchedule(cron))
    throw values.wrong("snapshot-schedule-cron", cron, "write it in the five fields of cron, such as 0 */12 * * *");
  const keepText = values.text("snapshot-retention") ?? "5";
  if (!/^[1-9]\d{0,3}$/.test(keepText))
    throw values.wrong("snapshot-retention", keepText, "a number of copies from 1 on");
  return {
    directory: resolve(values.text("snapshot-dir") ?? usualSnapshotDirectory(dataDirectory)),
    schedule: values.isOn("disable-snapshots") ? undefined : { cron, keep: Number(keepText) },
  };
}
